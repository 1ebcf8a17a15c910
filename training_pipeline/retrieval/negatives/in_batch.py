"""Negatives from the batch itself: other queries' chosen items, each as often as it is chosen."""

import tensorflow as tf

from training_pipeline.retrieval.negatives.frequency import Frequency


class InBatch(tf.Module):
    """Draws from the batch's chosen items; each stands once where no more are drawn than there are.

    Args:
        count: how many.
        frequency: says how often an item is chosen.
    """

    def __init__(self, count: int, frequency: Frequency):
        super().__init__()
        self.count = count
        self.frequency = frequency

    def draw(self, chosen: tf.Tensor, draws: tf.random.Generator) -> tf.Tensor:
        """See `Source.draw`."""
        self.frequency.observe(chosen)
        num_queries = tf.shape(chosen)[0]
        order = tf.argsort(draws.uniform([num_queries]))
        return tf.gather(chosen, tf.gather(order, tf.range(self.count) % num_queries))

    def expect(self, items: tf.Tensor) -> tf.Tensor:
        """See `Source.expect`."""
        return self.count * self.frequency.estimate(items)
