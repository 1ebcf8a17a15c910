"""What a place of a history may know, whatever the encoder; and the parts against NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from training_pipeline.retrieval.history import (
    MICROSECONDS,
    UNKNOWN_GAP,
    Block,
    MeanHistory,
    TransformerHistory,
    find_allowed,
    find_elapsed,
)

LENGTH, DIM = 6, 8
# Three users: a whole history, one of two items, and none.
MASK = np.array([[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
TIMED = np.zeros_like(MASK)
UNTIMED = np.array([[0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]], bool)
# Items at 0, 2 and 10 seconds, and a query at 70.
TEN_SECONDS = np.array([[0, 2, 10, 70]], np.int64) * int(MICROSECONDS)

Encoder = Callable[..., np.ndarray]


def build_mean() -> MeanHistory:
    """One that has learned to weigh the last items most."""
    layer = MeanHistory(LENGTH)
    layer.logits.assign(np.linspace(1, -1, LENGTH))
    return layer


def build_transformer(with_mean: bool = False, blocks: int = 2) -> TransformerHistory:
    tf.keras.utils.set_random_seed(1)
    return TransformerHistory(LENGTH, DIM, blocks, heads=2, dropout=0.0, with_mean=with_mean)


@pytest.fixture(params=["mean", "transformer", "transformer with mean"])
def encode(request: pytest.FixtureRequest) -> Encoder:
    """Each encoder, as a function from arrays to an array."""
    layer = build_mean() if request.param == "mean" else build_transformer("with mean" in request.param)

    def call(
        vectors: np.ndarray, mask: np.ndarray, times: np.ndarray, untimed: np.ndarray | None = None
    ) -> np.ndarray:
        untimed = np.zeros_like(mask) if untimed is None else untimed
        return layer(*map(tf.constant, (vectors, mask, times, untimed))).numpy()

    return call


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, LENGTH, DIM)).astype(np.float32)


@pytest.fixture
def times() -> np.ndarray:
    """From seconds to days between one event and the next."""
    seconds = 2.0 ** np.random.default_rng(1).integers(1, 20, (3, LENGTH + 1))
    return (seconds.cumsum(axis=1) * MICROSECONDS).astype(np.int64)


class TestEveryEncoder:
    @pytest.mark.parametrize("place", range(1, LENGTH))
    def test_what_comes_later_changes_nothing_earlier(
        self, encode: Encoder, vectors: np.ndarray, times: np.ndarray, place: int
    ) -> None:
        """The time of the event that is predicted is known, and nothing later."""
        later_vectors, later_times, later_mask = vectors.copy(), times.copy(), MASK.copy()
        later_vectors[:, place:] += 5
        later_times[:, place + 1 :] *= 7
        later_mask[:, place:] = ~later_mask[:, place:]
        before, after = encode(vectors, MASK, times), encode(later_vectors, later_mask, later_times)
        np.testing.assert_allclose(after[:, :place], before[:, :place], atol=1e-5)
        assert np.abs(after[0, place:] - before[0, place:]).max(axis=-1).min() > 1e-3

    @pytest.mark.parametrize("place", range(LENGTH))
    def test_an_untimed_place_does_not_know_when_the_next_event_happens(
        self, encode: Encoder, vectors: np.ndarray, times: np.ndarray, place: int
    ) -> None:
        """Nor does any other place before it; later ones do, as to them it is past."""
        untimed, later = TIMED.copy(), times.copy()
        untimed[:, place] = True
        later[:, place + 1 :] += 10**13
        before, after = (encode(vectors, MASK, moments, untimed) for moments in (times, later))
        np.testing.assert_array_equal(after[:, : place + 1], before[:, : place + 1])

    @pytest.mark.parametrize("extra", [1, 3])
    def test_more_padding_on_the_left_changes_nothing(
        self, encode: Encoder, vectors: np.ndarray, times: np.ndarray, extra: int
    ) -> None:
        kept = slice(extra, LENGTH)
        mask = MASK[:, kept]
        padded_mask = np.pad(mask, [(0, 0), (extra, 0)])
        np.testing.assert_allclose(
            encode(vectors, padded_mask, times)[:, kept],
            encode(vectors[:, kept], mask, times[:, extra:]),
            atol=1e-5,
        )

    def test_what_stands_at_padded_places_is_not_read(
        self, encode: Encoder, vectors: np.ndarray, times: np.ndarray
    ) -> None:
        other_vectors = np.where(MASK[:, :, None], vectors, 1e3).astype(np.float32)
        other_times = times.copy()
        other_times[:, :-1][~MASK] = 0
        np.testing.assert_allclose(
            encode(other_vectors, MASK, other_times), encode(vectors, MASK, times), atol=1e-5
        )

    def test_an_empty_history_is_finite_and_the_same_for_all_wherever_it_ends(
        self, encode: Encoder, vectors: np.ndarray, times: np.ndarray
    ) -> None:
        nothing = np.zeros_like(MASK)
        encoded = encode(vectors, nothing, times)
        assert np.isfinite(encoded).all()
        np.testing.assert_allclose(encoded, np.broadcast_to(encoded[0, 0], encoded.shape), atol=1e-6)

    def test_rows_of_a_batch_do_not_mix(
        self, encode: Encoder, vectors: np.ndarray, times: np.ndarray
    ) -> None:
        alone = np.concatenate(
            [encode(vectors[[row]], MASK[[row]], times[[row]]) for row in range(len(vectors))]
        )
        np.testing.assert_allclose(alone, encode(vectors, MASK, times), atol=1e-5)


def test_order_of_earlier_items_matters_to_the_transformer_and_not_to_the_untrained_mean(
    vectors: np.ndarray, times: np.ndarray
) -> None:
    turned = vectors[:, [3, 0, 4, 1, 2, 5]]
    layer, mean = build_transformer(), MeanHistory(LENGTH)
    moved = layer(turned, MASK, times, TIMED)[0, -1] - layer(vectors, MASK, times, TIMED)[0, -1]
    assert np.abs(moved).max() > 1e-3
    np.testing.assert_allclose(
        mean(turned[:1], MASK[:1], times, TIMED)[0, -1],
        mean(vectors[:1], MASK[:1], times, TIMED)[0, -1],
        atol=1e-6,
    )


def test_the_time_after_an_item_matters_to_the_transformer(vectors: np.ndarray, times: np.ndarray) -> None:
    """A longer break after the third item, and everything later is as far from each other as before."""
    other = times.copy()
    other[0, 3:] += 10**14
    layer = build_transformer()
    moved = np.abs(layer(vectors, MASK, other, TIMED) - layer(vectors, MASK, times, TIMED)).max(axis=-1)
    assert moved[0, 2:].min() > 1e-5
    np.testing.assert_allclose(moved[0, :2], 0, atol=1e-6)
    np.testing.assert_allclose(moved[1:], 0, atol=1e-6)


def test_an_untimed_place_of_the_transformer_is_of_its_own_kind(
    vectors: np.ndarray, times: np.ndarray
) -> None:
    """Not that of an event in the instant of the item, as which it would count the time."""
    layer, at_once = build_transformer(), times.copy()
    at_once[:, -1] = at_once[:, -2]
    untimed = TIMED.copy()
    untimed[:, -1] = True
    moved = np.abs(layer(vectors, MASK, at_once, untimed) - layer(vectors, MASK, at_once, TIMED)).max(axis=-1)
    assert moved[:2, -1].min() > 1e-5
    np.testing.assert_array_equal(moved[:, :-1], 0)
    np.testing.assert_array_equal(moved[2], 0)


def test_with_mean_adds_the_mean(vectors: np.ndarray, times: np.ndarray) -> None:
    with_mean, without = build_transformer(with_mean=True), build_transformer()
    expected = without(vectors, MASK, times, TIMED) + build_mean()(vectors, MASK, times, TIMED)
    with_mean(vectors, MASK, times, TIMED)
    shared = [variable for variable in with_mean.variables if variable is not with_mean.mean.logits]
    for variable, value in zip(shared, without.variables, strict=True):
        variable.assign(value)
    with_mean.mean.logits.assign(build_mean().logits)
    np.testing.assert_allclose(with_mean(vectors, MASK, times, TIMED), expected, atol=1e-5)


def test_mean_of_the_items_so_far() -> None:
    vectors = np.array([[[9.0, 9.0], [1.0, 2.0], [3.0, 6.0], [5.0, 1.0]]], np.float32)
    mask = np.array([[False, True, True, True]])
    means = MeanHistory(4)(vectors, mask, np.zeros([1, 5], np.int64), ~mask)
    np.testing.assert_allclose(means, [[[0, 0], [1, 2], [2, 4], [3, 3]]])


def test_mean_weighs_the_items_by_how_many_came_after() -> None:
    """The last item counts three times and the one before it twice."""
    layer = MeanHistory(3)
    layer.logits.assign(np.log([3.0, 2.0, 1.0]))
    vectors = np.array([[[1.0], [2.0], [10.0]]], np.float32)
    mask = np.array([[True, True, True]])
    means = layer(vectors, mask, np.zeros([1, 4], np.int64), ~mask)
    np.testing.assert_allclose(means[0, :, 0], [1, (3 * 2 + 2 * 1) / 5, (3 * 10 + 2 * 2 + 1) / 6], rtol=1e-6)


def test_units_are_dropped_in_training_only(vectors: np.ndarray, times: np.ndarray) -> None:
    layer = TransformerHistory(LENGTH, DIM, blocks=1, heads=2, dropout=0.5, with_mean=False)
    at_rest = layer(vectors, MASK, times, TIMED, training=False)
    np.testing.assert_array_equal(layer(vectors, MASK, times, TIMED, training=False), at_rest)
    assert not np.allclose(layer(vectors, MASK, times, TIMED, training=True), at_rest)


def test_a_place_may_read_itself_and_items_before_it() -> None:
    allowed = find_allowed(tf.constant([[False, True, True]])).numpy()
    assert (allowed[0, 0] == 0).tolist() == [[True, False, False], [False, True, False], [False, True, True]]
    assert set(allowed.ravel()) == {0.0, np.float32(-1e9)}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 0), (0.5, 0), (1, 1), (3, 2), (1023, 10), (2**31, 31), (2**40, 31), (-5, 0)]
)
def test_elapsed_time_is_classed_by_its_logarithm(seconds: float, expected: int) -> None:
    times = tf.constant([[0, int(seconds * MICROSECONDS)]], tf.int64)
    classes = find_elapsed(times, tf.constant([[False]])).numpy()
    assert (classes.tolist(), classes.dtype) == ([[[expected]]], np.int32)


def test_elapsed_time_counts_from_each_item_to_what_came_after_each_place() -> None:
    classes = find_elapsed(TEN_SECONDS, tf.constant([[False, False, False]])).numpy()[0]
    assert classes[np.tril_indices(3)].tolist() == [1, 3, 3, 6, 6, 5]


def test_an_untimed_place_counts_up_to_its_own_item() -> None:
    """Of the second item nobody knows what came 8 seconds later; the third knows."""
    classes = find_elapsed(TEN_SECONDS, tf.constant([[False, True, False]])).numpy()[0]
    assert classes[np.tril_indices(3)].tolist() == [1, 1, UNKNOWN_GAP, 6, 6, 5]


def test_a_block_equals_numpy(vectors: np.ndarray, times: np.ndarray) -> None:
    tf.keras.utils.set_random_seed(2)
    block, elapsed = Block(LENGTH, DIM, heads=2, dropout=0.3, name="block"), find_elapsed(times, UNTIMED)
    block(vectors, find_allowed(MASK), elapsed)
    for weight in block.trainable_weights:
        weight.assign(tf.random.normal(weight.shape, stddev=0.5))
    rows = zip(vectors, MASK, elapsed.numpy(), strict=True)
    expected = [exact_block(block, *row) for row in rows]
    found = block(vectors, find_allowed(MASK), elapsed)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def exact_block(block: Block, hidden: np.ndarray, mask: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
    """One row through attention and hidden layer, head by head and place by place."""
    projected = dense(block.project, normalise(block.norms[0], hidden))
    query, key, value = (part.reshape(LENGTH, 2, DIM // 2) for part in np.split(projected, 3, axis=1))
    attended = np.zeros((LENGTH, 2, DIM // 2))
    for head in range(2):
        for place in range(LENGTH):
            read = [p for p in range(place + 1) if mask[p] or p == place]
            scores = np.array([query[place, head] @ key[p, head] / np.sqrt(DIM / 2) for p in read])
            of_distance = [block.of_distance[head, place - p] for p in read]
            of_elapsed = [block.of_elapsed[head, elapsed[place, p]] for p in read]
            weights = np.exp(scores + of_distance + of_elapsed)
            attended[place, head] = weights / weights.sum() @ value[read, head]
    hidden = hidden + dense(block.merge, attended.reshape(LENGTH, DIM))
    widened = dense(block.widen, normalise(block.norms[1], hidden))
    return hidden + dense(block.narrow, tf.nn.gelu(widened).numpy())


def dense(layer: tf.keras.layers.Dense, inputs: np.ndarray) -> np.ndarray:
    return inputs @ layer.kernel.numpy() + layer.bias.numpy()


def normalise(layer: tf.keras.layers.LayerNormalization, inputs: np.ndarray) -> np.ndarray:
    centred = inputs - inputs.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return scaled * layer.gamma.numpy() + layer.beta.numpy()
