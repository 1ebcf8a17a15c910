"""The linear model of what comes next: by hand, and against a ridge regression laid out event by event."""

import numpy as np
import pytest

from training_pipeline.linear import slit
from training_pipeline.linear.slit import SLIT

NUM_ITEMS = 7
# exp(-1 / decay) is 1/2: each step back counts half.
HALVING = 1 / np.log(2)


def draw_events(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Nine users whose 120 events interleave; items repeat, also one after the other."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 9, 120), rng.integers(0, NUM_ITEMS, 120)


def lay_out(past: list[int], length: int, decay: float) -> np.ndarray:
    """What a history counts in each item [NUM_ITEMS], the last first."""
    row = np.zeros(NUM_ITEMS)
    for back, item in enumerate(past[::-1][:length]):
        row[item] += np.exp(-back / decay)
    return row


def fit_event_by_event(
    user: np.ndarray, item: np.ndarray, length: int, decay: float, ridge: float
) -> np.ndarray:
    """A dense ridge regression of each event's item on what its user had met before."""
    pasts: dict[int, list[int]] = {}
    given, chosen = [], []
    for who, what in zip(user.tolist(), item.tolist(), strict=True):
        past = pasts.setdefault(who, [])
        given.append(lay_out(past, length, decay))
        chosen.append(np.eye(NUM_ITEMS)[what])
        past.append(what)
    x, y = np.array(given), np.array(chosen)
    return np.linalg.solve(x.T @ x + ridge * np.eye(NUM_ITEMS), x.T @ y)


def test_weights_of_a_single_step_by_hand() -> None:
    # One event of item 1 after item 0: X'X = [[1, 0], [0, 0]], with ridge 1 [[2, 0], [0, 1]]; X'Y has a 1.
    model = SLIT(ridge=1.0).fit(np.array([4, 4]), np.array([0, 1]), 2)
    np.testing.assert_allclose(model.weights, [[0, 0.5], [0, 0]])


def test_weights_of_two_steps_by_hand() -> None:
    # Items 0, 1, 2 in turn. Rows of X: (1, 0, 0) before item 1 and (1/2, 1, 0) before item 2. With ridge 1
    # the first two items of X'X are [[2.25, .5], [.5, 2]]; its inverse is [[2, -.5], [-.5, 2.25]] / 4.25.
    # Of X'Y item 0 has 1 for item 1 and 1/2 for item 2, item 1 has 1 for item 2.
    model = SLIT(decay=HALVING, ridge=1.0).fit(np.zeros(3, int), np.arange(3), 3)
    expected = np.array([[0, 2, 0.5], [0, -0.5, 2], [0, 0, 0]]) / 4.25
    np.testing.assert_allclose(model.weights, expected, atol=1e-7)
    assert model.weights.dtype == np.float32


@pytest.mark.parametrize(("length", "decay", "ridge"), [(1, 5.0, 1.0), (3, 2.0, 0.5), (20, 5.0, 10.0)])
def test_weights_equal_a_dense_ridge_regression(length: int, decay: float, ridge: float) -> None:
    user, item = draw_events(seed=0)
    weights = SLIT(length, decay, ridge).fit(user, item, NUM_ITEMS).weights
    expected = fit_event_by_event(user, item, length, decay, ridge)
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("at_once", [1, 7, 119])
def test_how_much_is_computed_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    user, item = draw_events(seed=1)
    whole = SLIT().fit(user, item, NUM_ITEMS).weights
    monkeypatch.setattr(slit, "_EVENTS_AT_ONCE", at_once)
    np.testing.assert_allclose(SLIT().fit(user, item, NUM_ITEMS).weights, whole, rtol=1e-4, atol=1e-6)


def test_the_order_within_a_user_alone_matters() -> None:
    user, item = draw_events(seed=2)
    weights = SLIT().fit(user, item, NUM_ITEMS).weights
    one_after_the_other = np.argsort(user, kind="stable")
    sorted_by_user = SLIT().fit(user[one_after_the_other], item[one_after_the_other], NUM_ITEMS).weights
    np.testing.assert_array_equal(sorted_by_user, weights)
    backwards = SLIT().fit(user[::-1], item[::-1], NUM_ITEMS).weights
    assert np.abs(backwards - weights).max() > 0.01


def test_what_users_did_before_is_not_the_past_of_others() -> None:
    # User 0 chose item 0 and user 1 item 1: nothing came after anything.
    assert not SLIT().fit(np.array([0, 1]), np.array([0, 1]), 2).weights.any()


def test_places_count_by_how_far_back_they_lie() -> None:
    weights = SLIT(length=3, decay=HALVING).weigh(5)
    np.testing.assert_allclose(weights, [0, 0, 0.25, 0.5, 1])
    assert weights.dtype == np.float32
    np.testing.assert_allclose(SLIT(length=3, decay=HALVING).weigh(2), [0.5, 1])


class TestScore:
    @pytest.mark.parametrize("width", [3, 6, 10])
    def test_equals_the_laid_out_history_times_the_weights(self, width: int) -> None:
        """Histories of no item up to more than the model reads; items repeat."""
        user, item = draw_events(seed=3)
        expected = fit_event_by_event(user, item, 5, 2.0, 1.0)
        model = SLIT(length=5, decay=2.0, ridge=1.0).fit(user, item, NUM_ITEMS)
        rng = np.random.default_rng(4)
        pasts = [rng.integers(0, NUM_ITEMS, count).tolist() for count in range(width + 1)]
        histories = np.array([[-1] * (width - len(past)) + past for past in pasts])
        rows = np.array([lay_out(past, 5, 2.0) for past in pasts])
        scores = model.score(histories)
        np.testing.assert_allclose(scores, rows @ expected, rtol=1e-4, atol=1e-5)
        assert (scores.shape, scores.dtype) == ((width + 1, NUM_ITEMS), np.float32)

    def test_without_history_nothing_speaks_for_any_item(self) -> None:
        model = SLIT().fit(*draw_events(seed=5), NUM_ITEMS)
        assert not model.score(np.full((2, 4), -1)).any()

    def test_what_came_next_before_comes_first(self) -> None:
        # Round and round: 0, 1, 2, 3, 0, ...
        model = SLIT().fit(np.repeat(np.arange(5), 40), np.tile(np.arange(200) % 4, 1), 4)
        histories = np.array([[1, 2, 3], [2, 3, 0], [3, 0, 1], [0, 1, 2]])
        assert model.score(histories).argmax(axis=1).tolist() == [0, 1, 2, 3]
