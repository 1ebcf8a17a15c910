"""How often an item is chosen: counted beforehand, or estimated as the batches stream by."""

from typing import Protocol

import numpy as np
import tensorflow as tf

# An item of every batch: how often it stands in one cannot be told, and counts as five times.
_SHORTEST_GAP = 1.007


class Frequency(Protocol):
    """Estimates the chance that a query's chosen item is this one."""

    def observe(self, chosen: tf.Tensor) -> None:
        """Learns from one batch of chosen items [num_queries] int32."""

    def estimate(self, items: tf.Tensor) -> tf.Tensor:
        """The chance of each of these items [num_items] float32."""


class Counted(tf.Module):
    """Each item's share of the events that train.

    Args:
        counts: events of each item [num_items] int.
    """

    def __init__(self, counts: np.ndarray):
        super().__init__()
        self.shares = tf.constant(counts / max(counts.sum(), 1), tf.float32)

    def observe(self, chosen: tf.Tensor) -> None:
        """The counts are known already."""

    def estimate(self, items: tf.Tensor) -> tf.Tensor:
        """See `Frequency.estimate`."""
        return tf.gather(self.shares, items)


class Streaming(tf.Module):
    """From the steps between two batches that hold the item, a moving average (Yi et al. 2019).

    It needs no pass over the data beforehand, and follows them as they change. A batch that holds an item
    twice counts once; the share s comes from the chance that a batch holds it, 1 - (1 - s) ** batch_size.

    Args:
        num_items: size of the corpus.
        batch_size: chosen items a batch, about.
        rate: weight of the latest gap in the average.
    """

    def __init__(self, num_items: int, batch_size: int, rate: float = 0.05):
        super().__init__()
        self.rate = rate
        self.batch_size = batch_size
        self.step = tf.Variable(0.0, trainable=False)
        self.last = tf.Variable(tf.zeros([num_items]), trainable=False)
        # Until it is seen, an item counts as one of `num_items` equally frequent ones.
        self.gap = tf.Variable(tf.fill([num_items], max(num_items / batch_size, 1.0)), trainable=False)

    def observe(self, chosen: tf.Tensor) -> None:
        """See `Frequency.observe`."""
        step = self.step.assign_add(1.0)
        items, _ = tf.unique(chosen)
        gap, last = tf.gather(self.gap, items), tf.gather(self.last, items)
        self.gap.scatter_update(tf.IndexedSlices(gap + self.rate * (step - last - gap), items))
        self.last.scatter_update(tf.IndexedSlices(tf.fill(tf.shape(items), step), items))

    def estimate(self, items: tf.Tensor) -> tf.Tensor:
        """See `Frequency.estimate`."""
        gap = tf.maximum(tf.gather(self.gap, items), _SHORTEST_GAP)
        return -tf.math.expm1(tf.math.log1p(-1 / gap) / self.batch_size)
