"""The query tower: who asks, when, and after which items, to one embedding."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from training_pipeline.retrieval.inputs import SideInputs
from training_pipeline.retrieval.layers import FeatureEmbedding, build_mlp, small_normal


class QueryTower(tf.keras.Model):
    """Embeds queries from user features, the moment, and the encoded history.

    There is no user id: the history is the user, so that a new event counts at once and a new user needs no
    training.

    Args:
        user: how user features were encoded.
        moment: how activity and context features were encoded.
        history: encodes the history, see `retrieval.history`.
        items: embeds the history's items by vocabulary index; None to read the candidate tower's vectors.
        widths: hidden layers.
        embedding_dim: output width, and width of the history's vectors.
        dropout: of the hidden layers.
    """

    def __init__(
        self,
        user: SideInputs,
        moment: SideInputs,
        history: tf.keras.layers.Layer,
        items: tf.keras.layers.Embedding | None,
        widths: Sequence[int],
        embedding_dim: int,
        dropout: float,
    ):
        super().__init__(name="query_tower", dtype="float32")
        self.user = FeatureEmbedding(user, embedding_dim, name="user")
        self.moment = FeatureEmbedding(moment, embedding_dim, name="moment")
        self.history = history
        self.items = items
        # What it adds to the history is little at first, so that the history learns from the start.
        self.mlp = build_mlp(widths, embedding_dim, dropout, name="mlp", last_kernel=small_normal())

    def call(self, query: Mapping[str, Any], training: bool = False) -> tf.Tensor:
        """Embeds queries.

        Args:
            query: `user`: encoded features [batch, ...]; `moment`: encoded features [batch, targets, ...], of
                one query after each of the last `targets` places of the history; `untimed` [batch, targets]
                bool, whether nobody knows when it is asked; `history`: `vectors` [batch, length,
                embedding_dim] float32 out of the candidate tower, `index` [batch, length] int32 of the items'
                vocabulary, `mask` [batch, length] bool, `times` [batch, length + 1] int64, see
                `retrieval.history`.
            training: whether hidden units are dropped.

        Returns:
            [batch, targets, embedding_dim] float32.
        """
        history, moment = query["history"], query["moment"]
        vectors = history["vectors"] if self.items is None else self.items(history["index"])
        shape = tf.shape(query["untimed"])
        # What came after the places before is known.
        untimed = tf.pad(query["untimed"], [[0, 0], [tf.shape(history["mask"])[1] - shape[1], 0]])
        past = self.history(vectors, history["mask"], history["times"], untimed, training=training)
        past = past[:, -shape[1] :]
        parts = [past, self._repeat_user(query["user"], shape[1]), self._embed_moment(moment, shape)]
        joined = tf.concat([part for part in parts if part is not None], axis=-1)
        return past + self.mlp(joined, training=training)

    def _repeat_user(self, user: Mapping[str, tf.Tensor], targets: tf.Tensor) -> tf.Tensor | None:
        embedded = self.user(user)
        return None if embedded is None else tf.repeat(embedded[:, None], targets, axis=1)

    def _embed_moment(self, moment: Mapping[str, tf.Tensor], shape: tf.Tensor) -> tf.Tensor | None:
        """One query after the other, as `FeatureEmbedding` reads them, and back."""
        flat = {name: tf.reshape(v, tf.concat([[-1], tf.shape(v)[2:]], 0)) for name, v in moment.items()}
        for name, values in moment.items():
            flat[name].set_shape([None, *values.shape[2:]])
        embedded = self.moment(flat)
        if embedded is None:
            return None
        return tf.reshape(embedded, [shape[0], shape[1], embedded.shape[-1]])
