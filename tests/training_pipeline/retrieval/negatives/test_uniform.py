"""Uniform negatives: each item with the same chance, as often as expected."""

import numpy as np
import tensorflow as tf

from training_pipeline.retrieval.negatives.uniform import Uniform

CHOSEN = tf.constant([0, 0, 3])


def test_every_item_comes_up_as_often_as_expected() -> None:
    source, draws = Uniform(count=8, items=np.arange(5)), tf.random.Generator.from_seed(0)
    drawn = np.concatenate([source.draw(CHOSEN, draws) for _ in range(500)])
    counts = np.bincount(drawn, minlength=5) / 500
    # 1.6 each; of 500 draws the mean's standard deviation is .05.
    np.testing.assert_allclose(counts, source.expect(tf.range(5)), atol=0.2)
    np.testing.assert_allclose(source.expect(tf.constant([4, 4])), [8 / 5, 8 / 5])


def test_as_many_as_asked_for_and_new_ones_each_time() -> None:
    source, draws = Uniform(count=100, items=np.arange(1000)), tf.random.Generator.from_seed(0)
    one, other = source.draw(CHOSEN, draws), source.draw(CHOSEN, draws)
    assert (one.shape, one.dtype) == ([100], tf.int32)
    assert one.numpy().tolist() != other.numpy().tolist()


def test_the_same_seed_draws_the_same() -> None:
    one, other = (Uniform(9, np.arange(50)).draw(CHOSEN, tf.random.Generator.from_seed(4)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_items_that_are_not_given_are_never_drawn() -> None:
    drawn = Uniform(200, np.array([3, 7])).draw(CHOSEN, tf.random.Generator.from_seed(0))
    assert set(drawn.numpy()) == {3, 7}
