"""All sources together: their items side by side, their expected counts added up."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training_pipeline.invented import make_retrieval
from training_pipeline.retrieval.negatives.draw import HARD_DEPTH, Negatives, build_negatives
from training_pipeline.retrieval.negatives.frequency import Counted, Streaming
from training_pipeline.retrieval.negatives.hard import Hard
from training_pipeline.retrieval.negatives.in_batch import InBatch
from training_pipeline.retrieval.negatives.uniform import Uniform

COUNTS = np.array([5, 0, 3, 2])
CHOSEN = tf.constant([0, 2, 0])


def build(**negatives: Any) -> Negatives:
    index = tf.Variable(np.eye(4, dtype=np.float32))
    usual = {"uniform": 0, "in_batch": 0}
    return build_negatives(make_retrieval(negatives=usual | negatives), COUNTS, index)


def draw(negatives: Negatives) -> tuple[np.ndarray, np.ndarray]:
    items, corrections = negatives.draw(CHOSEN, tf.random.Generator.from_seed(0))
    return items.numpy(), corrections.numpy()


class TestCorrections:
    def test_of_one_source_are_its_own(self) -> None:
        items, corrections = draw(build(uniform=6))
        assert len(items) == 6
        np.testing.assert_allclose(corrections, np.full(6, -np.log(6 / 3)), rtol=1e-6)

    def test_of_two_sources_add_up_wherever_an_item_came_from(self) -> None:
        items, corrections = draw(build(uniform=8, in_batch=3))
        assert sorted(items[8:]) == [0, 0, 2]
        np.testing.assert_allclose(corrections, -np.log(8 / 3 + 3 * COUNTS[items] / 10), rtol=1e-6)

    def test_an_item_without_events_is_no_negative(self) -> None:
        items, _ = draw(build(uniform=200, in_batch=3, hard=50))
        assert set(items) == {0, 2, 3}

    def test_a_hard_negative_counts_as_itself(self) -> None:
        """Each item's nearest in the index is itself; the last two are hard, and there for certain."""
        negatives = build(in_batch=3)
        negatives.hard = Hard(2, 1, tf.Variable(np.eye(4, dtype=np.float32)), COUNTS > 0)
        items, corrections = draw(negatives)
        assert set(items[3:]) <= {0, 2}
        expected = 3 * COUNTS[items] / 10 + np.array([0, 0, 0, 1, 1])
        np.testing.assert_allclose(corrections, -np.log(expected), rtol=1e-6)

    def test_popular_items_count_less_and_rare_ones_more(self) -> None:
        items, corrections = draw(build(in_batch=3))
        popular, rare = corrections[items == 0], corrections[items == 2]
        assert (popular < 0).all()
        assert (rare > 0).all()

    def test_without_log_q_there_are_none(self) -> None:
        items, corrections = draw(build(uniform=8, in_batch=3, hard=2, log_q=False))
        assert len(items) == 13
        np.testing.assert_array_equal(corrections, np.zeros(13, np.float32))


def test_the_full_softmax_has_every_known_item_once() -> None:
    negatives = build_negatives(make_retrieval(loss="full_softmax"), COUNTS, tf.Variable(tf.eye(4)))
    items, corrections = draw(negatives)
    assert items.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(corrections, np.zeros(3, np.float32))


class TestBuild:
    def test_no_source_that_is_not_asked_for(self) -> None:
        (uniform,) = build(uniform=3).sources
        (in_batch,) = build(in_batch=4).sources
        assert (type(uniform), uniform.count, list(uniform.items)) == (Uniform, 3, [0, 2, 3])
        assert (type(in_batch), in_batch.count) == (InBatch, 4)
        assert build(uniform=3).hard is None

    @pytest.mark.parametrize(("name", "kind"), [("counted", Counted), ("streaming", Streaming)])
    def test_the_frequency_is_the_one_asked_for(self, name: str, kind: type) -> None:
        (in_batch,) = build(in_batch=4, frequency=name).sources
        assert isinstance(in_batch.frequency, kind)

    def test_hard_negatives_reach_no_deeper_than_the_corpus(self) -> None:
        assert build(uniform=1, hard=5).hard.depth == 3
        many = build_negatives(
            make_retrieval(negatives={"hard": 5}), np.ones(99), tf.Variable(tf.zeros([99, 2]))
        )
        assert (many.hard.count, many.hard.depth) == (5, HARD_DEPTH)
