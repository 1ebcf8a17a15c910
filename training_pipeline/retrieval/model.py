"""The two-tower model: a TFRS model whose task is retrieval with in-batch negatives."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from training_pipeline.retrieval.candidate_tower import CandidateTower
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK
from training_pipeline.retrieval.query_tower import QueryTower

Features = Mapping[str, tf.Tensor]
Inputs = Mapping[str, Any]


class TwoTowerModel(tfrs.models.Model):
    """Learns both towers so that a query scores its chosen item above the other items of the batch.

    Negatives are the batch's own items, corrected for how often each is drawn (log-Q, Yi et al. 2019), with
    accidental hits removed.

    Args:
        query_tower: embeds queries.
        candidate_tower: embeds items.
        users: encoded features of all users, by row of the users table.
        items: encoded features of all items, by row of the items table.
        sampling_probability: chance that an item is drawn as an in-batch negative [num_items] float32.
        temperature: divides the scores before the softmax.
        top_k: the validation metric.
    """

    def __init__(
        self,
        query_tower: QueryTower,
        candidate_tower: CandidateTower,
        users: Features,
        items: Features,
        sampling_probability: tf.Tensor,
        temperature: float,
        top_k: FactorizedTopK,
    ):
        super().__init__()
        self.query_tower = query_tower
        self.candidate_tower = candidate_tower
        self.users = {name: tf.constant(values) for name, values in users.items()}
        self.items = {name: tf.constant(values) for name, values in items.items()}
        self.sampling_probability = tf.constant(sampling_probability)
        self.top_k = top_k
        self.mean_loss = tf.keras.metrics.Mean(name="loss")
        mean_loss = tf.keras.losses.CategoricalCrossentropy(from_logits=True)
        self.task = tfrs.tasks.Retrieval(loss=mean_loss, temperature=temperature, remove_accidental_hits=True)

    def compute_loss(self, inputs: Inputs, training: bool = False) -> tf.Tensor:
        """Mean loss of a batch of examples (see `dataset.build_training_data`): scalar float32."""
        # An item that stands in many histories of the batch goes through its tower once.
        target, history = inputs["target"], inputs["history"]
        rows, place = tf.unique(tf.concat([target, tf.reshape(tf.maximum(history, 0), [-1])], axis=0))
        embedded = self.candidate_tower(_gather(self.items, rows), training=training)
        num_queries = tf.shape(target)[0]
        candidates = tf.gather(embedded, place[:num_queries])
        vectors = tf.gather(embedded, tf.reshape(place[num_queries:], tf.shape(history)))
        return self.task(
            self.embed_queries(inputs, vectors, training),
            candidates,
            candidate_sampling_probability=tf.gather(self.sampling_probability, target),
            candidate_ids=target,
            compute_metrics=False,
        )

    def embed_queries(self, inputs: Inputs, vectors: tf.Tensor, training: bool) -> tf.Tensor:
        """Query embeddings [batch, embedding_dim] from the examples and their history's vectors."""
        query = {
            "user": _gather(self.users, inputs["user"]),
            "moment": inputs["moment"],
            "history": {"vectors": vectors, "mask": inputs["history"] >= 0},
        }
        return self.query_tower(query, training=training)

    @property
    def item_signature(self) -> dict[str, tf.TensorSpec]:
        """What the candidate tower reads: encoded item features [batch, ...]."""
        return {name: _row_spec(values) for name, values in self.items.items()}

    def build_query_signature(self, moment: Features) -> dict[str, Any]:
        """What the query tower reads: encoded user and moment features, and the history's vectors.

        Args:
            moment: encoded moment features of any examples.
        """
        dim = self.top_k.candidates.shape[1]
        return {
            "user": {name: _row_spec(values) for name, values in self.users.items()},
            "moment": {name: _row_spec(values) for name, values in moment.items()},
            "history": {
                "vectors": tf.TensorSpec([None, None, dim], tf.float32),
                "mask": tf.TensorSpec([None, None], tf.bool),
            },
        }

    def embed_corpus(self, block: int = 8192) -> tf.Tensor:
        """Embeddings of all items [num_items, embedding_dim] float32, in the order of the items table."""
        num_items = len(self.sampling_probability)
        starts = range(0, num_items, block)
        rows = [tf.range(start, min(start + block, num_items)) for start in starts]
        return tf.concat([self._embed_items(r) for r in rows], axis=0)

    @tf.function(reduce_retracing=True)
    def _embed_items(self, rows: tf.Tensor) -> tf.Tensor:
        return self.candidate_tower(_gather(self.items, rows), training=False)

    def train_step(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        """One step of the optimiser; the loss reported is the mean of the epoch so far."""
        self.mean_loss.update_state(super().train_step(inputs)["loss"])
        return {"loss": self.mean_loss.result()}

    def test_step(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        """Ranks each held-out target in the whole corpus; the corpus was embedded when the test began."""
        vectors = tf.gather(self.top_k.candidates, tf.maximum(inputs["history"], 0))
        self.top_k.update_state(
            self.embed_queries(inputs, vectors, training=False), inputs["target"], inputs["seen"]
        )
        return {metric.name: metric.result() for metric in self.top_k.metrics}


class EmbedCorpus(tf.keras.callbacks.Callback):
    """Embeds the corpus once at the start of each evaluation."""

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Hands the current embeddings to the metric."""
        self.model.top_k.set_candidates(self.model.embed_corpus())


def _row_spec(values: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None, *values.shape[1:]], values.dtype)


def _gather(features: Features, rows: tf.Tensor) -> dict[str, tf.Tensor]:
    return {name: tf.gather(values, rows) for name, values in features.items()}
