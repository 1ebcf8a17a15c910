"""FactorizedTopK with seen items excluded: how high the true item ranks in the whole corpus."""

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf
import tensorflow_recommenders as tfrs

Ties = Literal["average", "best"]

_BLOCK_SCORES = 2**22  # 16 MiB
_MIN_BLOCK = 16  # the matrix product of fewer queries costs no less


class FactorizedTopK(tfrs.metrics.Factorized):
    """Top-k accuracy and NDCG of the true candidate over the whole corpus.

    The corpus is embedded once an evaluation (`set_candidates`), not once a batch, and one exact search
    serves all cutoffs. The true candidate's score comes out of the same matrix product as its rivals': added
    up in another order it could differ in its last bit, and no longer tie with its equals.

    Args:
        num_candidates: size of the corpus.
        embedding_dim: width of its embeddings.
        ks: cutoffs.
        ties: which of the ranks of equal scores the true candidate takes: their `average`, or the `best`, as
            `tfrs.metrics.FactorizedTopK` counts.
        block_size: queries scored at a time, against the whole corpus; by default as many as fill 16 MiB, and
            no fewer than 16.
    """

    def __init__(
        self,
        num_candidates: int,
        embedding_dim: int,
        ks: Sequence[int] = (10, 50, 100, 200),
        ties: Ties = "average",
        block_size: int | None = None,
    ):
        super().__init__(name="factorized_top_k")
        self.ks = ks
        self.ties = ties
        self.block_size = block_size or max(_BLOCK_SCORES // num_candidates, _MIN_BLOCK)
        self.candidates = self.add_weight(
            name="candidates", shape=[num_candidates, embedding_dim], trainable=False, initializer="zeros"
        )
        self.accuracies = [
            tf.keras.metrics.Mean(name=f"{self.name}/top_{k}_categorical_accuracy") for k in ks
        ]
        self.ndcgs = [tf.keras.metrics.Mean(name=f"{self.name}/ndcg_{k}") for k in ks]

    def set_candidates(self, embeddings: tf.Tensor) -> None:
        """Takes the corpus embeddings [num_candidates, embedding_dim] of this epoch."""
        self.candidates.assign(embeddings)

    def update_state(
        self, query_embeddings: tf.Tensor, true_candidate: tf.Tensor, seen: tf.Tensor
    ) -> tf.Operation:
        """Adds a batch.

        Args:
            query_embeddings: [batch, embedding_dim] float32.
            true_candidate: corpus row of the chosen item [batch] int32.
            seen: corpus rows to exclude [batch, max_seen] int32, -1 pads; never the chosen item.
        """
        rank = self.compute_ranks(query_embeddings, true_candidate, seen)
        gain = tf.math.log(2.0) / tf.math.log(rank + 2)
        updates = []
        for k, accuracy, ndcg in zip(self.ks, self.accuracies, self.ndcgs, strict=True):
            hit = tf.cast(rank < k, tf.float32)
            updates += [accuracy.update_state(hit), ndcg.update_state(hit * gain)]
        return tf.group(updates)

    @tf.function(reduce_retracing=True)
    def compute_ranks(
        self, query_embeddings: tf.Tensor, true_candidate: tf.Tensor, seen: tf.Tensor
    ) -> tf.Tensor:
        """0-based rank of each true candidate among the unseen [batch] float32; see `update_state`."""
        ranks = tf.zeros([0])
        for start in tf.range(0, tf.shape(true_candidate)[0], self.block_size):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(ranks, tf.TensorShape([None]))], parallel_iterations=1
            )
            stop = start + self.block_size
            block = self._rank_block(
                query_embeddings[start:stop], true_candidate[start:stop], seen[start:stop]
            )
            ranks = tf.concat([ranks, block], axis=0)
        return ranks

    def _rank_block(self, queries: tf.Tensor, true_candidate: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
        scores = tf.matmul(queries, self.candidates, transpose_b=True)
        true_scores = tf.gather(scores, true_candidate, batch_dims=1)[:, None]
        scores = _exclude(scores, tf.concat([true_candidate[:, None], seen], axis=1))
        # Counted from below, so that NaN counts as above: a model that diverged must not look good.
        not_above = _count(scores <= true_scores)
        below = _count(scores < true_scores) if self.ties == "average" else not_above
        return tf.cast(tf.shape(scores)[1], tf.float32) - (not_above + below) / 2


def _exclude(scores: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Puts the candidates `rows` of each query, padded with -1, below all others."""
    place = tf.where(rows >= 0)
    position = tf.stack([place[:, 0], tf.cast(tf.gather_nd(rows, place), tf.int64)], axis=1)
    return tf.tensor_scatter_nd_update(scores, position, tf.fill(tf.shape(place)[:1], -float("inf")))


def _count(marks: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(marks, tf.float32), axis=1)
