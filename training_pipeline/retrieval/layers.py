"""Layers that both towers share."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from training_pipeline.retrieval.inputs import NUMERIC, PAD, SideInputs

CATEGORY_DIM = 16


class FeatureEmbedding(tf.keras.layers.Layer):
    """One side's features as one vector: categories embedded, content projected, numbers as they are.

    Args:
        inputs: how the side was encoded.
        embedding_dim: width of each content projection.
    """

    def __init__(self, inputs: SideInputs, embedding_dim: int, name: str | None = None):
        super().__init__(name=name)
        self.has_numbers = bool(inputs.scales)
        self.categories = {
            feature: tf.keras.layers.Embedding(vocabulary.size, CATEGORY_DIM, name=feature)
            for feature, vocabulary in inputs.vocabularies.items()
        }
        self.projections = {
            feature: ContentProjection(embedding_dim, name=feature) for feature in inputs.embeddings
        }

    def call(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
        """Features [batch, ...] to [batch, width] float32; None where the side has no features at all."""
        parts = [_mean_of_values(layer, features[name]) for name, layer in self.categories.items()]
        parts += [layer(features[name]) for name, layer in self.projections.items()]
        if self.has_numbers:
            parts.append(features[NUMERIC])
        return tf.cast(tf.concat(parts, axis=-1), tf.float32) if parts else None


class ContentProjection(tf.keras.layers.Layer):
    """A content embedding projected and gated; what has no content gets a vector of its own, learned too.

    The gate lets each modality speak only where it has something to say (Dauphin et al. 2017).

    Args:
        embedding_dim: width of the projection.
    """

    def __init__(self, embedding_dim: int, name: str | None = None):
        super().__init__(name=name)
        self.dense = tf.keras.layers.Dense(embedding_dim, name="dense")
        self.gate = tf.keras.layers.Dense(embedding_dim, activation="sigmoid", name="gate")
        self.missing = self.add_weight(shape=(embedding_dim,), initializer="uniform", name="missing")

    def call(self, vectors: tf.Tensor) -> tf.Tensor:
        """Embeddings [batch, dim] float32, zero where content is missing, to [batch, embedding_dim]."""
        is_there = tf.reduce_any(vectors != 0, axis=-1, keepdims=True)
        return tf.where(is_there, self.dense(vectors) * self.gate(vectors), self.missing)


def _mean_of_values(layer: tf.keras.layers.Layer, values: tf.Tensor) -> tf.Tensor:
    """Mean embedding of a row's values [batch, width] int32, padding apart: [batch, CATEGORY_DIM]."""
    return masked_mean(layer(values), values != PAD)


def masked_mean(vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean over the second axis where `mask` holds.

    Args:
        vectors: [batch, length, dim] float32.
        mask: [batch, length] bool.

    Returns:
        [batch, dim] float32; zero where the mask holds nowhere.
    """
    weights = tf.cast(mask, vectors.dtype)[:, :, None]
    return tf.reduce_sum(vectors * weights, axis=1) / tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)


class Dropout(tf.keras.layers.Layer):
    """Dropout whose randomness is part of every checkpoint; that of Keras' own layer is of none.

    Args:
        rate: share of the units dropped in training.
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate
        # `tf.keras.utils.set_random_seed` fixes what Python draws.
        self.draws = tf.random.Generator.from_seed(random.getrandbits(32))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Units [...] float32, some of them zero in training and the others larger for it."""
        if not (training and self.rate):
            return inputs
        return tf.nn.experimental.general_dropout(inputs, self.rate, self.draws.uniform)


def build_mlp(
    widths: Sequence[int], output_dim: int, dropout: float, name: str, last_kernel: Any = "glorot_uniform"
) -> tf.keras.Sequential:
    """Hidden ReLU layers of `widths`, each with dropout, then a linear layer of `output_dim`.

    Args:
        widths: of the hidden layers.
        output_dim: of the last.
        dropout: share of hidden units dropped in training.
        name: of the whole.
        last_kernel: initial weights of the last layer.
    """
    layers: list[tf.keras.layers.Layer] = []
    for width in widths:
        layers += [tf.keras.layers.Dense(width, activation="relu"), Dropout(dropout)]
    # Whatever the precision of the hidden layers, embeddings are float32.
    last = tf.keras.layers.Dense(output_dim, kernel_initializer=last_kernel, dtype="float32")
    return tf.keras.Sequential([*layers, last], name=name)


def small_normal() -> tf.keras.initializers.Initializer:
    """The initial weights of embeddings, as in GPT-2."""
    return tf.keras.initializers.TruncatedNormal(stddev=0.02)
