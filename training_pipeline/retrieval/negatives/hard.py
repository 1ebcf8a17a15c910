"""Hard negatives: items that the current index holds for close to the chosen ones."""

import numpy as np
import tensorflow as tf


class Hard(tf.Module):
    """Draws, for some of the batch's chosen items, one of their neighbours in the index.

    Args:
        count: how many.
        depth: each is one of so many nearest neighbours.
        index: embeddings of the corpus as of the last validation [num_items, dim] float32.
        is_known: items that have events in training [num_items] bool; the others are never drawn.
    """

    def __init__(self, count: int, depth: int, index: tf.Variable, is_known: np.ndarray):
        super().__init__()
        self.count = count
        self.depth = depth
        self.index = index
        self.aside = tf.constant(np.where(is_known, 0, -np.inf), tf.float32)

    def draw(self, chosen: tf.Tensor, draws: tf.random.Generator) -> tf.Tensor:
        """Positions of items [count] int32; see `Source.draw`."""
        picked = draws.uniform([self.count], 0, tf.shape(chosen)[0], tf.int32)
        asked = tf.gather(self.index, tf.gather(chosen, picked))
        scores = tf.matmul(asked, self.index, transpose_b=True) + self.aside
        near = tf.math.top_k(scores, self.depth).indices
        place = draws.uniform([self.count], 0, self.depth, tf.int32)
        return tf.gather(near, place, batch_dims=1)
