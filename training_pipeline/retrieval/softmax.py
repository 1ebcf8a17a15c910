"""The softmax loss of queries against candidates that stand for the whole corpus."""

import tensorflow as tf

# exp of much more would overflow float32 in the gradient; a score so far above the chosen one's is as wrong
# as can be.
_HIGHEST = 60.0


def softmax_loss(
    queries: tf.Tensor,
    chosen: tf.Tensor,
    candidates: tf.Tensor,
    corrections: tf.Tensor,
    is_hit: tf.Tensor,
) -> tf.Tensor:
    """Cross-entropy of each chosen item against the candidates: `log(1 + sum_j exp(s_j + c_j - s))`.

    `s` is the score of the chosen item, `s_j` those of the candidates. With the correction `c_j = -log q_j`,
    `q_j` the expected number of times that candidate `j` was drawn, the sum estimates that over the whole
    corpus without bias, and the loss that of the full softmax (log-Q, Yi et al. 2019). Accidental hits, which
    are the chosen item among the candidates, are left out.

    Args:
        queries: [num_queries, dim] float32.
        chosen: embeddings of the chosen items [num_queries, dim] float32.
        candidates: [num_candidates, dim] float32.
        corrections: `c_j` [num_candidates] float32.
        is_hit: which candidates are each query's chosen item [num_queries, num_candidates] bool.

    Returns:
        [num_queries] float32.
    """
    own = tf.reduce_sum(queries * chosen, axis=1)
    return tf.math.log1p(_sum_exp(queries, own, candidates, corrections, is_hit))


@tf.custom_gradient
def _sum_exp(
    queries: tf.Tensor, own: tf.Tensor, candidates: tf.Tensor, corrections: tf.Tensor, is_hit: tf.Tensor
) -> tuple[tf.Tensor, object]:
    """The sum over candidates, and its gradient, in one pass over the scores.

    The two added columns bring correction and own score into the one product; of what automatic
    differentiation would keep and go through again, [num_queries, num_candidates] each, nothing is needed.
    """
    left = tf.concat([queries, tf.ones_like(own)[:, None], -own[:, None]], axis=1)
    right = tf.concat([candidates, corrections[:, None], tf.ones_like(corrections)[:, None]], axis=1)
    terms = tf.exp(tf.minimum(tf.matmul(left, right, transpose_b=True), _HIGHEST))
    terms = tf.where(is_hit, 0.0, terms)
    total = tf.reduce_sum(terms, axis=1)

    def differentiate(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, None, None]:
        column = upstream[:, None]
        of_candidates = tf.matmul(terms, column * queries, transpose_a=True)
        return column * tf.matmul(terms, candidates), -upstream * total, of_candidates, None, None

    return total, differentiate
