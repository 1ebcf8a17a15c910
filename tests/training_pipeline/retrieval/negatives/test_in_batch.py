"""In-batch negatives: the batch's own items, each as often as it is chosen."""

import numpy as np
import pytest
import tensorflow as tf

from training_pipeline.retrieval.negatives.frequency import Counted
from training_pipeline.retrieval.negatives.in_batch import InBatch

COUNTS = np.array([6, 0, 3, 1])


def draw(chosen: list[int], count: int, seed: int = 0) -> list[int]:
    source = InBatch(count, Counted(COUNTS))
    return source.draw(tf.constant(chosen), tf.random.Generator.from_seed(seed)).numpy().tolist()


def test_the_whole_batch_where_as_many_are_asked_for() -> None:
    assert sorted(draw([2, 0, 0, 3], count=4)) == [0, 0, 2, 3]


def test_none_twice_where_fewer_are_asked_for() -> None:
    drawn = draw(list(range(50)), count=20)
    assert len(set(drawn)) == 20
    assert drawn != draw(list(range(50)), count=20, seed=1)


def test_all_as_often_where_more_are_asked_for() -> None:
    assert sorted(draw([1, 2, 3], count=6)) == [1, 1, 2, 2, 3, 3]


def test_expects_each_item_by_its_share() -> None:
    expected = InBatch(5, Counted(COUNTS)).expect(tf.constant([0, 1, 2, 3, 0]))
    np.testing.assert_allclose(expected, [3, 0, 1.5, 0.5, 3])


@pytest.mark.parametrize("count", [3, 8, 12])
def test_items_come_up_as_often_as_expected(count: int) -> None:
    """Of 2000 batches of 8 queries; the mean's standard deviation is below .05."""
    source, draws = InBatch(count, Counted(COUNTS)), tf.random.Generator.from_seed(0)
    batches = np.random.default_rng(0).choice(4, (2000, 8), p=COUNTS / 10)
    drawn = tf.function(lambda rows: tf.map_fn(lambda batch: source.draw(batch, draws), rows))(
        tf.constant(batches, tf.int32)
    )
    counts = np.bincount(drawn.numpy().ravel(), minlength=4) / 2000
    np.testing.assert_allclose(counts, source.expect(tf.range(4)), atol=0.2)


def test_the_frequency_learns_from_every_batch() -> None:
    class Listener(Counted):
        heard: list[list[int]] = []  # noqa: RUF012

        def observe(self, chosen: tf.Tensor) -> None:
            self.heard.append(chosen.numpy().tolist())

    source = InBatch(2, Listener(COUNTS))
    source.draw(tf.constant([3, 0, 0]), tf.random.Generator.from_seed(0))
    assert Listener.heard == [[3, 0, 0]]
