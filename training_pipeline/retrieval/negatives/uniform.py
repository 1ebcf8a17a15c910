"""Negatives from all items that have events in training, each with the same chance."""

import numpy as np
import tensorflow as tf


class Uniform(tf.Module):
    """Draws with repeats.

    An item without events is never drawn: it can be chosen in no batch, so that as a negative it would teach
    the towers to keep what is new at the end of every list.

    Args:
        count: how many.
        items: positions of the items [num_known] int32.
    """

    def __init__(self, count: int, items: np.ndarray):
        super().__init__()
        self.count = count
        self.items = tf.constant(items, tf.int32)

    def draw(self, chosen: tf.Tensor, draws: tf.random.Generator) -> tf.Tensor:
        """See `Source.draw`."""
        return tf.gather(self.items, draws.uniform([self.count], 0, len(self.items), tf.int32))

    def expect(self, items: tf.Tensor) -> tf.Tensor:
        """See `Source.expect`."""
        return tf.fill(tf.shape(items), self.count / len(self.items))
