"""The loss against NumPy and TensorFlow's own, the sign and effect of log-Q, and what overflow does."""

import numpy as np
import pytest
import tensorflow as tf

from training_pipeline.retrieval.softmax import softmax_loss

NUM_QUERIES, NUM_ITEMS, DIM = 5, 7, 3
CHOSEN = np.array([0, 3, 3, 6, 2])
# Item 3, which two queries chose, was drawn twice; 6 and 2 were drawn once, 0 was not.
DRAWN = np.array([3, 1, 6, 3, 2, 4])


class Batch:
    """Queries, items and corrections; the arguments of the loss."""

    def __init__(self, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.queries = rng.normal(size=(NUM_QUERIES, DIM)).astype(np.float32)
        self.items = rng.normal(size=(NUM_ITEMS, DIM)).astype(np.float32)
        self.corrections = rng.normal(size=NUM_ITEMS).astype(np.float32)

    def compute(self, drawn: np.ndarray = DRAWN, corrections: np.ndarray | None = None) -> np.ndarray:
        corrections = self.corrections[drawn] if corrections is None else corrections
        is_hit = drawn[None] == CHOSEN[:, None]
        return softmax_loss(
            self.queries, self.items[CHOSEN], self.items[drawn], np.float32(corrections), is_hit
        ).numpy()


@pytest.fixture
def batch() -> Batch:
    return Batch()


def test_equals_plain_loops(batch: Batch) -> None:
    expected = []
    for query, chosen in zip(batch.queries.astype(float), CHOSEN, strict=True):
        own = query @ batch.items[chosen]
        rivals = [query @ batch.items[j] + batch.corrections[j] - own for j in DRAWN if j != chosen]
        expected.append(np.log(1 + np.exp(rivals).sum()))
    np.testing.assert_allclose(batch.compute(), expected, rtol=1e-5)


def test_equals_the_softmax_of_tensorflow_without_accidental_hits(batch: Batch) -> None:
    logits = batch.queries @ batch.items[DRAWN].T + batch.corrections[DRAWN]
    logits[DRAWN[None] == CHOSEN[:, None]] = -np.inf
    own = (batch.queries * batch.items[CHOSEN]).sum(axis=1)
    logits = np.concatenate([own[:, None], logits], axis=1)
    labels = np.eye(logits.shape[1], dtype=np.float32)[np.zeros(NUM_QUERIES, int)]
    # 0 * -inf is not a number; a label of 0 must not meet it.
    logits = np.maximum(logits, np.float32(-1e30))
    expected = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    np.testing.assert_allclose(batch.compute(), expected, rtol=1e-5)


def test_all_items_once_and_no_correction_is_the_full_softmax(batch: Batch) -> None:
    losses = batch.compute(np.arange(NUM_ITEMS), np.zeros(NUM_ITEMS))
    expected = tf.nn.sparse_softmax_cross_entropy_with_logits(CHOSEN, batch.queries @ batch.items.T)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_gradients_equal_those_of_the_plain_formula(batch: Batch) -> None:
    corrections = tf.constant(batch.corrections[DRAWN])
    is_hit = tf.constant(DRAWN[None] == CHOSEN[:, None])

    def plain(queries: tf.Tensor, chosen: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
        own = tf.reduce_sum(queries * chosen, axis=1, keepdims=True)
        scores = tf.matmul(queries, candidates, transpose_b=True) + corrections - own
        return tf.math.log1p(tf.reduce_sum(tf.where(is_hit, 0.0, tf.exp(scores)), axis=1))

    def ours(queries: tf.Tensor, chosen: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
        return softmax_loss(queries, chosen, candidates, corrections, is_hit)

    arguments = [tf.constant(v) for v in (batch.queries, batch.items[CHOSEN], batch.items[DRAWN])]
    for expected, found in zip(differentiate(plain, arguments), differentiate(ours, arguments), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def differentiate(loss, arguments: list[tf.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the weighted loss: of the queries, and of the items' table."""
    queries, chosen, candidates = arguments
    weights = tf.range(1.0, NUM_QUERIES + 1)
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        total = tf.reduce_sum(weights * loss(queries, chosen, candidates))
    of_queries, of_chosen, of_candidates = tape.gradient(total, arguments)
    table = np.zeros((NUM_ITEMS, DIM))
    np.add.at(table, CHOSEN, of_chosen.numpy())
    np.add.at(table, DRAWN, of_candidates.numpy())
    return of_queries.numpy(), table


class TestLogQ:
    """One query [1] that chose an item of score 0, and one candidate of score log 3."""

    @staticmethod
    def compute(corrections: list[float]) -> float:
        ones = np.ones((len(corrections), 1), np.float32)
        loss = softmax_loss(
            np.ones((1, 1), np.float32),
            np.zeros((1, 1), np.float32),
            np.float32(np.log(3)) * ones,
            np.float32(corrections),
            np.zeros((1, len(corrections)), bool),
        )
        return float(loss[0])

    def test_a_candidate_expected_once_counts_as_itself(self) -> None:
        assert self.compute([-np.log(1.0)]) == pytest.approx(np.log(1 + 3))

    def test_a_candidate_expected_twice_counts_half(self) -> None:
        """It will be there twice, on average: two halves are one."""
        assert self.compute([-np.log(2.0)]) == pytest.approx(np.log(1 + 3 / 2))
        assert self.compute([-np.log(2.0)] * 2) == pytest.approx(np.log(1 + 3))

    def test_a_candidate_seldom_drawn_counts_for_those_not_drawn(self) -> None:
        assert self.compute([-np.log(0.25)]) == pytest.approx(np.log(1 + 3 * 4))

    @pytest.mark.parametrize("shares", ["uniform", "popular"])
    def test_the_sum_is_that_of_the_whole_corpus_on_average(self, batch: Batch, shares: str) -> None:
        """Over 20,000 draws of 4 items; without the correction, popular items weigh too much."""
        rng = np.random.default_rng(3)
        chances = np.full(NUM_ITEMS, 1.0) if shares == "uniform" else 2.0 ** np.arange(NUM_ITEMS)
        chances /= chances.sum()
        drawn = rng.choice(NUM_ITEMS, (20_000, 4), p=chances).ravel()
        rivals = self.sum_exp(batch, drawn, -np.log(4 * chances[drawn])) / 20_000
        exact = self.sum_exp(batch, np.arange(NUM_ITEMS), np.zeros(NUM_ITEMS))
        uncorrected = self.sum_exp(batch, drawn, np.full(len(drawn), -np.log(4 / NUM_ITEMS))) / 20_000
        np.testing.assert_allclose(rivals, exact, rtol=0.03)
        assert (np.abs(uncorrected / exact - 1).max() > 0.2) == (shares == "popular")

    @staticmethod
    def sum_exp(batch: Batch, drawn: np.ndarray, corrections: np.ndarray) -> np.ndarray:
        return np.exp(batch.compute(drawn, corrections).astype(float)) - 1


class TestOverflow:
    @pytest.mark.parametrize("difference", [50.0, 100.0, 1e4, -1e4])
    def test_loss_and_gradients_are_finite(self, difference: float) -> None:
        queries, chosen = tf.ones([2, 1]), tf.constant([[0.0], [difference]])
        candidates, corrections = tf.constant([[difference], [0.0], [1.0]]), tf.constant([0.0, 3.0, -3.0])
        with tf.GradientTape() as tape:
            tape.watch([queries, chosen, candidates])
            loss = softmax_loss(queries, chosen, candidates, corrections, tf.zeros([2, 3], tf.bool))
        gradients = tape.gradient(loss, [queries, chosen, candidates])
        assert np.isfinite(loss).all()
        assert all(np.isfinite(gradient).all() for gradient in gradients)

    def test_a_candidate_far_above_is_pushed_down_and_the_chosen_item_up(self) -> None:
        """Of a softmax with one item that far above, the gradients are 1 and -1."""
        chosen, candidates = tf.zeros([1, 1]), tf.constant([[1e4], [0.0]])
        with tf.GradientTape() as tape:
            tape.watch([chosen, candidates])
            loss = softmax_loss(tf.ones([1, 1]), chosen, candidates, tf.zeros([2]), tf.zeros([1, 2], tf.bool))
        of_chosen, of_candidates = tape.gradient(loss, [chosen, candidates])
        np.testing.assert_allclose(of_chosen, [[-1]], atol=1e-5)
        np.testing.assert_allclose(of_candidates, [[1], [0]], atol=1e-5)
