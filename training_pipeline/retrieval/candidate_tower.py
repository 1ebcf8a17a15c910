"""The candidate tower: an item's id, categories, text, image and numbers to one embedding."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from training_pipeline.retrieval.inputs import UNKNOWN, SideInputs
from training_pipeline.retrieval.layers import Dropout, FeatureEmbedding, build_mlp, small_normal

ITEM_INDEX = "item_index"


class CandidateTower(tf.keras.Model):
    """Embeds items; one never seen in training is embedded from its content.

    The output is the id embedding plus what the content layers add to it. In training, ids are hidden at
    random, so that content learns to stand in for them (DropoutNet, Volkovs et al. 2017).

    Args:
        inputs: how item features were encoded.
        num_indices: size of the id vocabulary, padding and unknown included.
        widths: hidden layers.
        embedding_dim: output width.
        id_dropout: share of ids hidden in training.
        dropout: of the hidden layers.
    """

    def __init__(
        self,
        inputs: SideInputs,
        num_indices: int,
        widths: Sequence[int],
        embedding_dim: int,
        id_dropout: float,
        dropout: float,
    ):
        super().__init__(name="candidate_tower", dtype="float32")
        self.hide = Dropout(id_dropout)
        self.ids = tf.keras.layers.Embedding(
            num_indices, embedding_dim, small_normal(), name="ids", dtype="float32"
        )
        self.features = FeatureEmbedding(inputs, embedding_dim, name="features")
        self.mlp = build_mlp(widths, embedding_dim, dropout, name="mlp")

    def call(self, item: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Embeds items.

        Args:
            item: `item_index` [batch] int32, and the encoded features.
            training: whether ids and hidden units are dropped.

        Returns:
            [batch, embedding_dim] float32.
        """
        index = item[ITEM_INDEX]
        is_shown = self.hide(tf.ones(tf.shape(index)), training=training) > 0
        identity = self.ids(tf.where(is_shown, index, UNKNOWN))
        content = self.features(item)
        joined = identity if content is None else tf.concat([identity, content], axis=-1)
        return identity + self.mlp(joined, training=training)
