"""FactorizedTopK with seen items excluded: how high the true item ranks in the whole corpus."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_recommenders as tfrs


class FactorizedTopK(tfrs.metrics.Factorized):
    """Top-k accuracy and NDCG of the true candidate over the whole corpus.

    The corpus is embedded once an evaluation (`set_candidates`), not once a batch. Of equal scores each takes
    the average rank.

    Args:
        num_candidates: size of the corpus.
        embedding_dim: width of its embeddings.
        ks: cutoffs.
    """

    def __init__(self, num_candidates: int, embedding_dim: int, ks: Sequence[int] = (10, 50, 100, 200)):
        super().__init__(name="factorized_top_k")
        self.ks = ks
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
        scores = tf.matmul(query_embeddings, self.candidates, transpose_b=True)
        true_scores = tf.gather(scores, true_candidate, batch_dims=1)[:, None]
        place = tf.where(seen >= 0)
        excluded = tf.stack([place[:, 0], tf.cast(tf.gather_nd(seen, place), tf.int64)], axis=1)
        scores = tf.tensor_scatter_nd_update(scores, excluded, tf.fill(tf.shape(place)[:1], scores.dtype.min))
        # What is not a number counts as above: a model that diverged must not look good.
        above = tf.reduce_sum(tf.cast(tf.logical_not(scores <= true_scores), tf.float32), axis=1)
        level = tf.reduce_sum(tf.cast(scores == true_scores, tf.float32), axis=1)
        rank = above + (level - 1) / 2
        gain = tf.math.log(2.0) / tf.math.log(rank + 2)
        updates = []
        for k, accuracy, ndcg in zip(self.ks, self.accuracies, self.ndcgs, strict=True):
            hit = tf.cast(rank < k, tf.float32)
            updates += [accuracy.update_state(hit), ndcg.update_state(hit * gain)]
        return tf.group(updates)
