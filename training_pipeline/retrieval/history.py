"""History encoders: the vectors of past items, in order, to one vector after each of them.

All of them take `vectors` [batch, length, dim] float32, `mask` [batch, length] bool (False pads, on the
left), `times` [batch, length + 1] int64 microseconds: when each item was met and, last, when the query asks;
and `untimed` [batch, length] bool: whether at that place nobody knows when the next event happens, which is
then not read there, and at later places is.
They return [batch, length, dim] float32: what is known at each place when the next event happens, from that
item and those before it alone. A place of padding knows of no item; it stands for a user without history.
"""

import math

import tensorflow as tf

from training_pipeline.retrieval.layers import Dropout, small_normal

MICROSECONDS = 1e6
# Times in seconds by their binary logarithm, of which 31 reaches 68 years; and a class of those nobody knows.
NUM_GAPS = 33
UNKNOWN_GAP = NUM_GAPS - 1


class MeanHistory(tf.keras.layers.Layer):
    """The mean of the items so far, each weighted by how many came after it; zero where there is none.

    The weights are learned, and equal at first.

    Args:
        length: items with a weight of their own; older ones weigh as the last of these.
    """

    def __init__(self, length: int):
        super().__init__(name="mean", dtype="float32")
        self.logits = self.add_weight(name="logits", shape=(length,), initializer="zeros")

    def call(
        self,
        vectors: tf.Tensor,
        mask: tf.Tensor,
        times: tf.Tensor,
        untimed: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes histories; see the module."""
        place = tf.range(tf.shape(vectors)[1])
        age = place[:, None] - place
        learned = tf.gather(tf.exp(self.logits), tf.clip_by_value(age, 0, self.logits.shape[0] - 1))
        weights = tf.where(age < 0, 0.0, learned)
        weights = weights * tf.cast(mask, tf.float32)[:, None, :]
        total = tf.reduce_sum(weights, axis=2, keepdims=True)
        return tf.matmul(weights, vectors) / tf.where(total == 0, 1.0, total)


class TransformerHistory(tf.keras.layers.Layer):
    """Causal blocks as in GPT-2 (Radford et al. 2019), over items, places and the time to what came next.

    Recommending by such a decoder is SASRec (Kang and McAuley 2018). The time from each item to the next
    event is known when that is predicted, as it is the query's own time: it enters with the item. How far
    back an item lies, in places and in time, moves the attention to it (TiSASRec, Li et al. 2020; as terms of
    the attention's weights in HSTU, Zhai et al. 2024).

    Args:
        length: places at most.
        dim: width of the vectors.
        blocks: how many.
        heads: of the attention; they divide `dim`.
        dropout: of embeddings, attention and residuals.
        with_mean: whether the mean of the whole history is added, as a long-term part.
    """

    def __init__(self, length: int, dim: int, blocks: int, heads: int, dropout: float, with_mean: bool):
        super().__init__(name="history")
        self.scale = dim**0.5
        self.places = self._add_table("places", length, dim)
        self.gaps = self._add_table("gaps", NUM_GAPS, dim)
        self.drop = Dropout(dropout)
        self.blocks = [Block(length, dim, heads, dropout, name=f"block_{number}") for number in range(blocks)]
        self.norm = tf.keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32")
        self.mean = MeanHistory(length) if with_mean else None

    def _add_table(self, name: str, rows: int, dim: int) -> tf.Variable:
        return self.add_weight(name=name, shape=(rows, dim), initializer=small_normal())

    def call(
        self,
        vectors: tf.Tensor,
        mask: tf.Tensor,
        times: tf.Tensor,
        untimed: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes histories; see the module."""
        length = tf.shape(vectors)[1]
        is_item = tf.cast(mask, vectors.dtype)[:, :, None]
        elapsed = find_elapsed(times, untimed)
        gaps = tf.linalg.diag_part(elapsed)
        # A place of padding is nothing at all, wherever it stands: so it is in training and serving alike.
        hidden = ((vectors + tf.gather(self.gaps, gaps)) * self.scale + self.places[-length:]) * is_item
        hidden = self.drop(hidden, training=training)
        allowed = find_allowed(mask)
        for block in self.blocks:
            hidden = block(hidden, allowed, elapsed, training=training)
        hidden = self.norm(hidden)
        return hidden if self.mean is None else hidden + self.mean(vectors, mask, times, untimed)


class Block(tf.keras.layers.Layer):
    """Attention and a hidden layer, each after a norm and beside a residual.

    Args:
        length: places at most.
        dim: width.
        heads: they divide `dim`.
        dropout: of the attention and of both residuals.
    """

    def __init__(self, length: int, dim: int, heads: int, dropout: float, name: str):
        super().__init__(name=name)
        self.heads, self.width = heads, dim // heads
        self.norms = [tf.keras.layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.project = tf.keras.layers.Dense(3 * dim, name="project")
        self.merge = tf.keras.layers.Dense(dim, name="merge")
        self.widen = tf.keras.layers.Dense(2 * dim, activation="gelu", name="widen")
        self.narrow = tf.keras.layers.Dense(dim, name="narrow")
        self.drop = Dropout(dropout)
        self.of_distance = self.add_weight(name="of_distance", shape=(heads, length), initializer="zeros")
        self.of_elapsed = self.add_weight(name="of_elapsed", shape=(heads, NUM_GAPS), initializer="zeros")

    def call(
        self, hidden: tf.Tensor, allowed: tf.Tensor, elapsed: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Hidden states after attention and hidden layer.

        Args:
            hidden: states [batch, length, dim].
            allowed: see `find_allowed`.
            elapsed: see `find_elapsed`.
            training: whether units are dropped.

        Returns:
            [batch, length, dim].
        """
        weights = tf.cast(allowed, hidden.dtype) + self._weigh(elapsed)
        attended = self.merge(self._attend(self.norms[0](hidden), weights, training))
        hidden += self.drop(attended, training=training)
        widened = self.narrow(self.widen(self.norms[1](hidden)))
        return hidden + self.drop(widened, training=training)

    def _weigh(self, elapsed: tf.Tensor) -> tf.Tensor:
        """What distance and time add to the attention [batch, heads, length, length]."""
        place = tf.range(tf.shape(elapsed)[1])
        distance = tf.maximum(place[:, None] - place, 0)
        # The product makes the gradient dense: the rows of these small tables come up again and again.
        of_distance = tf.gather(self.of_distance * 1.0, distance, axis=1)
        # One number after the other: to gather along an axis would turn the whole grid around.
        row = elapsed[:, None] + NUM_GAPS * tf.range(self.heads)[:, None, None]
        return of_distance + tf.gather(tf.reshape(self.of_elapsed * 1.0, [-1]), row)

    def _attend(self, hidden: tf.Tensor, added: tf.Tensor, training: bool) -> tf.Tensor:
        shape = tf.shape(hidden)
        apart = tf.reshape(self.project(hidden), [shape[0], shape[1], 3 * self.heads, self.width])
        query, key, value = tf.split(tf.transpose(apart, [0, 2, 1, 3]), 3, axis=1)
        weights = tf.matmul(query * self.width**-0.5, key, transpose_b=True) + added
        weights = self.drop(tf.nn.softmax(weights), training=training)
        joined = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
        return tf.reshape(joined, [shape[0], shape[1], self.heads * self.width])


def find_allowed(mask: tf.Tensor) -> tf.Tensor:
    """What each place may read: itself and items before it; [batch, 1, length, length] float32, 0 or -1e9."""
    length = tf.shape(mask)[1]
    earlier = tf.linalg.band_part(tf.ones([length, length], tf.bool), -1, 0)
    readable = (earlier & mask[:, None, :]) | tf.eye(length, dtype=tf.bool)
    return tf.where(readable, 0.0, -1e9)[:, None]


def find_elapsed(times: tf.Tensor, untimed: tf.Tensor) -> tf.Tensor:
    """Classes of the time from each item (column) to what came after each place (row).

    Args:
        times: [batch, length + 1] int64 microseconds.
        untimed: [batch, length] bool. Such a place counts up to its own item, and from that on the time is
            `UNKNOWN_GAP`.

    Returns:
        The binary logarithm of the time and one second [batch, length, length] int32 in [0, NUM_GAPS).
    """
    until = tf.where(untimed, times[:, :-1], times[:, 1:])
    seconds = tf.cast(tf.maximum(until[:, :, None] - times[:, None, :-1], 0), tf.float32) / MICROSECONDS
    classes = tf.minimum(tf.cast(tf.math.log1p(seconds) / math.log(2), tf.int32), UNKNOWN_GAP - 1)
    return tf.linalg.set_diag(classes, tf.where(untimed, UNKNOWN_GAP, tf.linalg.diag_part(classes)))
