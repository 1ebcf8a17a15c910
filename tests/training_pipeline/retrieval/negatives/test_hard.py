"""Hard negatives: neighbours, in the index, of the batch's items."""

import numpy as np
import pytest
import tensorflow as tf

from training_pipeline.retrieval.negatives.hard import Hard

# Two directions, three items on each: an item's neighbours are those of its own direction, longest first.
INDEX = np.array([[3, 0], [2, 0], [1, 0], [0, 3], [0, 2], [0, 1]], np.float32)


def draw(chosen: list[int], count: int, depth: int, seed: int = 0) -> np.ndarray:
    source = Hard(count, depth, tf.Variable(INDEX), np.ones(6, bool))
    return source.draw(tf.constant(chosen), tf.random.Generator.from_seed(seed)).numpy()


@pytest.mark.parametrize(("chosen", "near"), [([0], {0, 1, 2}), ([5, 3], {3, 4, 5}), ([1, 4], set(range(6)))])
def test_every_neighbour_within_the_depth_and_no_other(chosen: list[int], near: set[int]) -> None:
    drawn = draw(chosen, count=200, depth=3)
    assert (drawn.shape, drawn.dtype) == ((200,), np.int32)
    assert set(drawn) == near


def test_depth_one_is_the_nearest() -> None:
    assert set(draw([2], count=20, depth=1)) == {0}


def test_follows_the_index_as_it_changes() -> None:
    index = tf.Variable(INDEX)
    source, draws = Hard(50, 3, index, np.ones(6, bool)), tf.random.Generator.from_seed(0)
    index.assign(INDEX[:, ::-1])
    assert set(source.draw(tf.constant([0]), draws).numpy()) == {0, 1, 2}
    index.assign(INDEX[[3, 1, 2, 0, 4, 5]])
    assert set(source.draw(tf.constant([0]), draws).numpy()) == {0, 4, 5}


def test_items_without_events_are_never_drawn() -> None:
    source = Hard(50, 2, tf.Variable(INDEX), is_known=np.array([1, 0, 1, 1, 1, 1], bool))
    drawn = source.draw(tf.constant([0]), tf.random.Generator.from_seed(0))
    assert set(drawn.numpy()) == {0, 2}
