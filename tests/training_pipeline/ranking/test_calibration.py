"""Chances: what must hold of any, by hand, and on choices drawn from known chances."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from training_pipeline.ranking.calibration import (
    Calibration,
    Method,
    compute_shares,
    fit_calibration,
    measure_reliability,
)

METHODS: list[Method] = ["isotonic", "platt"]
LEAST = 1e-6
PADDED = -np.inf


def draw_choices(num_queries: int, num_candidates: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and one choice a query, drawn with the chances that the softmax of its scores says."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(num_queries, num_candidates)).astype(np.float32)
    noise = rng.gumbel(size=scores.shape)
    chosen = np.arange(num_candidates) == (scores + noise).argmax(axis=1)[:, None]
    return scores, chosen


class TestShares:
    def test_by_hand(self) -> None:
        # exp of the scores: 1, 2, 1 of 4 and 3, 1 of 4.
        scores = np.log([[1, 2, 1], [3, 1, 0.5]]).astype(np.float32)
        scores[1, 2] = PADDED
        expected = np.log([[1 / 4, 1 / 2, 1 / 4], [3 / 4, 1 / 4, 1]])
        expected[1, 2] = PADDED
        np.testing.assert_allclose(compute_shares(scores), expected, rtol=1e-6)

    def test_of_scores_far_apart_are_finite(self) -> None:
        shares = compute_shares(np.array([[1e30, 0, -1e30]], np.float32))
        assert np.isfinite(shares).all()
        assert shares[0, 0] == 0


class TestApply:
    CALIBRATION = Calibration([np.log(0.25), np.log(0.5)], [0.2, 0.6])

    def test_is_linear_between_the_points_and_flat_beyond(self) -> None:
        # Shares: 1/2 and 1/2; 4/5 and 1/5; halfway between 1/4 and 1/2 in logarithms, and the rest.
        middle = np.sqrt(0.125)
        scores = np.log([[1, 1], [4, 1], [middle, 1 - middle]]).astype(np.float32)
        expected = [[0.6, 0.6], [0.6, 0.2], [0.4, 0.6]]
        chances = self.CALIBRATION.apply(scores)
        np.testing.assert_allclose(chances, expected, rtol=1e-5)
        assert chances.dtype == np.float32

    def test_padded_places_have_no_chance(self) -> None:
        scores = np.array([[0, 0, PADDED], [PADDED] * 3, [5, PADDED, PADDED]], np.float32)
        np.testing.assert_allclose(self.CALIBRATION.apply(scores), [[0.6, 0.6, 0], [0, 0, 0], [0.6, 0, 0]])

    def test_padding_changes_no_other_chance(self) -> None:
        scores, _ = draw_choices(4, 5, seed=0)
        wider = np.pad(scores, ((0, 0), (0, 3)), constant_values=PADDED)
        np.testing.assert_allclose(self.CALIBRATION.apply(wider)[:, :5], self.CALIBRATION.apply(scores))

    @given(st.integers(0, 2**32 - 1))
    def test_a_shift_of_all_scores_of_a_query_changes_no_chance(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        # Eighths and whole numbers, so that the sums are exact.
        scores = (rng.integers(-40, 40, (3, 6)) / 8).astype(np.float32)
        shift = rng.integers(-1000, 1000, (3, 1)).astype(np.float32)
        np.testing.assert_array_equal(self.CALIBRATION.apply(scores + shift), self.CALIBRATION.apply(scores))

    def test_survives_json(self) -> None:
        fitted = fit_calibration(*draw_choices(50, 5, seed=0), "isotonic")
        assert len(fitted.shares) > 2
        assert Calibration(**json.loads(json.dumps(fitted.to_json()))) == fitted


class TestFit:
    @pytest.mark.parametrize("method", METHODS)
    def test_recovers_the_chances_that_choices_were_drawn_with(self, method: Method) -> None:
        scores, chosen = draw_choices(3000, 30, seed=0)
        calibration = fit_calibration(scores, chosen, method)
        fresh, _ = draw_choices(500, 30, seed=1)
        chances, truth = calibration.apply(fresh), softmax(fresh.astype(np.float64), axis=1)
        assert np.abs(chances - truth).mean() < 0.003
        # Nine of ten candidates have a chance below .1; of all, none is far off.
        assert np.abs(chances - truth)[truth < 0.1].max() < 0.02
        assert chances.sum(axis=1).mean() == pytest.approx(1, abs=0.02)

    @pytest.mark.parametrize("method", METHODS)
    def test_bends_scores_that_are_too_sure_of_themselves(self, method: Method) -> None:
        """Thrice the scores that the choices were drawn with: their own softmax would be far off."""
        scores, chosen = draw_choices(3000, 30, seed=0)
        fresh, picked = draw_choices(1000, 30, seed=1)
        chances = fit_calibration(3 * scores, chosen, method).apply(3 * fresh)
        error = measure_reliability(chances.ravel(), picked.ravel()).error
        untouched = softmax(3 * fresh, axis=1)
        assert error < 0.006
        assert measure_reliability(untouched.ravel(), picked.ravel()).error > 5 * error

    def test_platt_recovers_a_sigmoid_of_the_shares(self) -> None:
        rng = np.random.default_rng(2)
        scores = rng.normal(0, 2, (4000, 8)).astype(np.float32)
        truth = expit(0.8 * compute_shares(scores) + 0.5)
        calibration = fit_calibration(scores, rng.random(truth.shape) < truth, "platt")
        np.testing.assert_allclose(calibration.apply(scores), truth, atol=0.02)

    def test_isotonic_by_hand(self) -> None:
        # Shares 1/10, 2/10, 3/10, 4/10, of which the second and the fourth were chosen: .5 for 2/10 and 3/10.
        scores = np.log([[1, 2, 3, 4]]).astype(np.float32)
        calibration = fit_calibration(scores, np.array([[False, True, False, True]]), "isotonic")
        np.testing.assert_allclose(calibration.apply(scores), [[LEAST, 0.5, 0.5, 1 - LEAST]])

    @given(st.integers(0, 2**32 - 1))
    def test_isotonic_chances_rise_with_the_score_whatever_was_chosen(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        scores, chosen = rng.normal(size=(6, 5)).astype(np.float32), rng.random((6, 5)) < 0.4
        self.check_rising(fit_calibration(scores, chosen, "isotonic"))

    @pytest.mark.parametrize("method", METHODS)
    def test_chances_rise_with_the_score(self, method: Method) -> None:
        self.check_rising(fit_calibration(*draw_choices(200, 6, seed=3), method))

    def check_rising(self, calibration: Calibration) -> None:
        scores = np.sort(np.random.default_rng(0).normal(0, 4, (20, 9)), axis=1).astype(np.float32)
        chances = calibration.apply(scores)
        assert (np.diff(chances, axis=1) >= 0).all()
        assert (np.diff(calibration.shares) >= 0).all()
        assert chances.min() >= np.float32(LEAST)
        assert chances.max() <= 1

    @pytest.mark.parametrize("method", METHODS)
    def test_padding_teaches_nothing(self, method: Method) -> None:
        scores, chosen = draw_choices(100, 6, seed=4)
        wider = np.pad(scores, ((0, 2), (0, 3)), constant_values=PADDED)
        with_padding = fit_calibration(wider, np.pad(chosen, ((0, 2), (0, 3))), method)
        np.testing.assert_allclose(
            with_padding.apply(scores), fit_calibration(scores, chosen, method).apply(scores), rtol=1e-5
        )

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(("chosen", "chance"), [(False, LEAST), (True, 1 - LEAST)])
    def test_where_all_was_alike_the_chance_is_all_but_sure(
        self, method: Method, chosen: bool, chance: float
    ) -> None:
        scores, _ = draw_choices(5, 4, seed=0)
        calibration = fit_calibration(scores, np.full(scores.shape, chosen), method)
        np.testing.assert_allclose(calibration.apply(scores), chance)

    @pytest.mark.parametrize("method", METHODS)
    def test_a_ranker_that_is_always_right_is_believed_within_reason(self, method: Method) -> None:
        chosen = np.tile([True, False, False], (10, 1))
        scores = np.where(chosen, 3, 0).astype(np.float32)
        chances = fit_calibration(scores, chosen, method).apply(scores)
        assert (chances[chosen] > 0.99).all()
        assert (chances[~chosen] < 0.01).all()


class TestReliability:
    def test_by_hand(self) -> None:
        # In order .1, .2 | .6, .9: told .15 and .75, seen 1/2 and 1; off by .35 and .25.
        found = measure_reliability(np.array([0.9, 0.1, 0.6, 0.2]), np.array([1, 0, 1, 1], bool), bins=2)
        assert found.told == pytest.approx([0.15, 0.75])
        assert found.seen == [0.5, 1]
        assert found.error == pytest.approx(0.3)

    def test_a_bin_counts_by_its_size(self) -> None:
        # .1, .3 | .9: off by .2 twice and by .1 once.
        found = measure_reliability(np.array([0.9, 0.1, 0.3]), np.array([True, False, False]), bins=2)
        assert found.error == pytest.approx(0.5 / 3)

    def test_fewer_candidates_than_bins_have_one_each(self) -> None:
        found = measure_reliability(np.array([0.5, 0.25]), np.array([True, False]))
        assert (found.told, found.seen) == ([0.25, 0.5], [0, 1])
        assert found.error == pytest.approx(0.375)

    def test_of_no_candidates_nothing_is_off(self) -> None:
        found = measure_reliability(np.array([]), np.array([], bool))
        assert (found.told, found.seen, found.error) == ([], [], 0)

    def test_is_small_where_chances_are_right_and_grows_as_they_are_not(self) -> None:
        rng = np.random.default_rng(5)
        chances = rng.random(20_000)
        chosen = rng.random(20_000) < chances
        # A bin of 1,333 has a standard error of .0137 at most.
        assert measure_reliability(chances, chosen).error < 0.0137
        assert measure_reliability(chances / 2, chosen).error == pytest.approx(0.25, abs=0.01)
