"""The query tower: who asks, when, and after which items, to one embedding."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from training_pipeline.retrieval.inputs import SideInputs
from training_pipeline.retrieval.layers import FeatureEmbedding, build_mlp, masked_mean


class QueryTower(tf.keras.Model):
    """Embeds queries from user features, the moment, and the mean of the recent history.

    There is no user id: the history is the user, so that a new event counts at once and a new user needs no
    training.

    Args:
        user: how user features were encoded.
        moment: how activity and context features were encoded.
        widths: hidden layers.
        embedding_dim: output width, and width of the history's embeddings.
        dropout: of the hidden layers.
    """

    def __init__(
        self, user: SideInputs, moment: SideInputs, widths: Sequence[int], embedding_dim: int, dropout: float
    ):
        super().__init__(name="query_tower")
        self.user = FeatureEmbedding(user, embedding_dim, name="user")
        self.moment = FeatureEmbedding(moment, embedding_dim, name="moment")
        self.mlp = build_mlp(widths, embedding_dim, dropout, name="mlp")

    def call(self, query: Mapping[str, Mapping[str, tf.Tensor]], training: bool = False) -> tf.Tensor:
        """Embeds queries.

        Args:
            query: `user` and `moment`: encoded features; `history`: `vectors` [batch, length, embedding_dim]
                float32 out of the candidate tower, and `mask` [batch, length] bool.
            training: whether hidden units are dropped.

        Returns:
            [batch, embedding_dim] float32.
        """
        past = masked_mean(query["history"]["vectors"], query["history"]["mask"])
        parts = [past, self.user(query["user"]), self.moment(query["moment"])]
        joined = tf.concat([part for part in parts if part is not None], axis=-1)
        return past + self.mlp(joined, training=training)
