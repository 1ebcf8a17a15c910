"""The two-tower model: a TFRS model that scores each chosen item above the negatives of its batch."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from training_pipeline.retrieval.candidate_tower import ITEM_INDEX, CandidateTower
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK
from training_pipeline.retrieval.inputs import UNKNOWN
from training_pipeline.retrieval.negatives.draw import Negatives
from training_pipeline.retrieval.novelty import Novelty
from training_pipeline.retrieval.query_tower import QueryTower
from training_pipeline.retrieval.softmax import softmax_loss

Features = Mapping[str, tf.Tensor]
Inputs = Mapping[str, Any]


class TwoTowerModel(tfrs.models.Model):
    """Learns both towers so that a query scores its chosen item above all others.

    Args:
        query_tower: embeds queries.
        candidate_tower: embeds items.
        users: encoded features of all users, by row of the users table.
        items: encoded features of all items, by row of the items table.
        negatives: what the chosen items are compared with.
        novelty: how the items look to the queries.
        temperature: divides the scores before the softmax.
        top_k: the validation metric.
        seed: of the negatives.
    """

    def __init__(
        self,
        query_tower: QueryTower,
        candidate_tower: CandidateTower,
        users: Features,
        items: Features,
        negatives: Negatives,
        novelty: Novelty,
        temperature: float,
        top_k: FactorizedTopK,
        seed: int,
    ):
        super().__init__()
        self.query_tower = query_tower
        self.candidate_tower = candidate_tower
        self.users = {name: tf.constant(values) for name, values in users.items()}
        self.items = {name: tf.constant(values) for name, values in items.items()}
        self.negatives = negatives
        self.novelty = novelty
        self.temperature = temperature
        self.top_k = top_k
        self.draws = tf.random.Generator.from_seed(seed)
        self.mean_loss = tf.keras.metrics.Mean(name="loss")
        # Every worker holds the metrics of all of them; Keras would add these up.
        self.distribute_reduction_method = "first"

    def compute_loss(self, inputs: Inputs, training: bool = False) -> tf.Tensor:
        """Weighted mean loss of a batch of windows (see `batches.build_training_data`): scalar float32.

        Of several replicas, each gives its share of the mean over all of them: gradients are summed.
        """
        history, is_asked = inputs["history"], inputs["target"] >= 0
        chosen = tf.boolean_mask(inputs["target"], is_asked)
        negatives, corrections = self.negatives.draw(chosen, self.draws)
        unknown = tf.gather(self.novelty.unknown, negatives)
        groups = [
            self._hide_new(chosen, tf.boolean_mask(inputs["is_new"], is_asked)),
            self._hide_new(negatives, self.draws.uniform(tf.shape(negatives)) < unknown),
            tf.reshape(tf.maximum(history, 0), [-1]),
        ]
        # An item that stands in many places of the batch goes through its tower once.
        rows, place = tf.unique(tf.concat(groups, axis=0))
        embedded = self._embed_rows(rows, training)
        of_chosen, of_negatives, of_history = tf.split(place, [tf.size(group) for group in groups])
        vectors = tf.gather(embedded, tf.reshape(of_history, tf.shape(history)))
        queries = self.embed_queries(inputs, vectors, training)
        losses = softmax_loss(
            queries=tf.boolean_mask(queries, is_asked) / self.temperature,
            chosen=tf.gather(embedded, of_chosen),
            candidates=tf.gather(embedded, of_negatives),
            # An item counts as a rival as often as it is there.
            corrections=corrections + tf.math.log(tf.gather(self.novelty.presence, negatives)),
            is_hit=chosen[:, None] == negatives,
        )
        weights = tf.boolean_mask(inputs["weight"], is_asked)
        mean = tf.reduce_sum(weights * losses) / tf.reduce_sum(weights)
        return mean / self.distribute_strategy.num_replicas_in_sync

    def _hide_new(self, items: tf.Tensor, is_new: tf.Tensor) -> tf.Tensor:
        """Rows of items; those whose id is hidden stand behind all others."""
        return tf.where(is_new, items + len(self.novelty.unknown), items)

    def _embed_rows(self, rows: tf.Tensor, training: bool) -> tf.Tensor:
        items = _gather(self.items, rows % len(self.novelty.unknown))
        items[ITEM_INDEX] = tf.where(rows < len(self.novelty.unknown), items[ITEM_INDEX], UNKNOWN)
        return self.candidate_tower(items, training=training)

    def embed_queries(self, inputs: Inputs, vectors: tf.Tensor, training: bool) -> tf.Tensor:
        """Query embeddings [batch, targets, embedding_dim] float32.

        Args:
            inputs: examples as `Examples.take` gives them.
            vectors: of the history's items [batch, length, embedding_dim] float32.
            training: whether units are dropped.
        """
        history = inputs["history"]
        query = {
            "user": _gather(self.users, inputs["user"]),
            "moment": inputs["moment"],
            "untimed": inputs["untimed"],
            "history": {
                "vectors": vectors,
                "index": tf.gather(self.items[ITEM_INDEX], tf.maximum(history, 0)),
                "mask": history >= 0,
                "times": inputs["times"],
            },
        }
        return self.query_tower(query, training=training)

    @property
    def item_signature(self) -> dict[str, tf.TensorSpec]:
        """What the candidate tower reads: encoded item features [batch, ...]."""
        return {name: _row_spec(values) for name, values in self.items.items()}

    def build_query_signature(self, moment: Features) -> dict[str, Any]:
        """What the query tower reads; see `QueryTower.call`.

        Args:
            moment: encoded moment features of any examples.
        """
        dim = self.top_k.candidates.shape[1]
        return {
            "user": {name: _row_spec(values) for name, values in self.users.items()},
            "moment": {
                name: tf.TensorSpec([None, None, *values.shape[2:]], values.dtype)
                for name, values in moment.items()
            },
            "untimed": tf.TensorSpec([None, None], tf.bool),
            "history": {
                "vectors": tf.TensorSpec([None, None, dim], tf.float32),
                "index": tf.TensorSpec([None, None], tf.int32),
                "mask": tf.TensorSpec([None, None], tf.bool),
                "times": tf.TensorSpec([None, None], tf.int64),
            },
        }

    def embed_corpus(self) -> tf.Tensor:
        """Embeddings of all items [num_items, embedding_dim] float32, in the order of the items table."""
        return self.embed_items(self.items)

    def embed_items(self, items: Features, block: int = 8192) -> tf.Tensor:
        """Embeds encoded items, `block` at a time: [num_items, embedding_dim] float32."""
        starts = range(0, len(items[ITEM_INDEX]), block)
        blocks = ({name: values[start : start + block] for name, values in items.items()} for start in starts)
        return tf.concat([self._embed_block(block_of_items) for block_of_items in blocks], axis=0)

    @tf.function(reduce_retracing=True)
    def _embed_block(self, items: Features) -> tf.Tensor:
        return self.candidate_tower(items, training=False)

    def train_step(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        """One step of the optimiser; the loss reported is the mean of the epoch so far."""
        loss = super().train_step(inputs)["loss"] * self.distribute_strategy.num_replicas_in_sync
        self.mean_loss.update_state(loss)
        return {"loss": self.mean_loss.result()}

    def test_step(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        """Ranks each held-out target in the whole corpus; the corpus was embedded when the test began."""
        vectors = tf.gather(self.top_k.candidates, tf.maximum(inputs["history"], 0))
        queries = self.embed_queries(inputs, vectors, training=False)
        self.top_k.update_state(queries[:, 0], inputs["target"], inputs["seen"])
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
