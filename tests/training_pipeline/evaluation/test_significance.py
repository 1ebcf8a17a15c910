"""Paired comparisons: worked by hand, against SciPy, and at their level where there is nothing to find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from training_pipeline.evaluation.significance import compare_with_each, correct_after_holm


class TestHolm:
    def test_a_case_worked_by_hand(self) -> None:
        # In order .01, .02, .03, .04: times 4, 3, 2, 1 are .04, .06, .06, .04; none below an earlier one.
        corrected = correct_after_holm(np.array([0.03, 0.01, 0.04, 0.02]))
        assert corrected == pytest.approx([0.06, 0.04, 0.06, 0.06])

    def test_one_test_needs_no_correction(self) -> None:
        assert correct_after_holm(np.array([0.2])).tolist() == [0.2]

    @given(st.lists(st.floats(0, 1), max_size=8))
    def test_keeps_order_and_bounds(self, p_values: list[float]) -> None:
        given_values = np.array(p_values)
        corrected = correct_after_holm(given_values)
        assert (corrected >= given_values).all()
        assert (corrected <= np.minimum(given_values * len(p_values), 1)).all()
        order = np.argsort(given_values, kind="stable")
        assert (np.diff(corrected[order]) >= 0).all()


class TestCompare:
    def test_finds_what_is_better_and_what_is_not(self) -> None:
        rng = np.random.default_rng(0)
        values = rng.random(400)
        others = {
            "worse": values - 0.05 + rng.normal(0, 0.2, 400),
            "like it": values + rng.normal(0, 0.2, 400),
        }
        worse, alike = compare_with_each("model", values, others, seed=1)
        assert (worse.model, worse.against, alike.against) == ("model", "worse", "like it")
        assert worse.value == pytest.approx((values - others["worse"]).mean())
        assert worse.low > 0
        assert worse.p_value < 0.01
        assert alike.low < 0 < alike.high
        assert alike.p_value > 0.05

    def test_a_single_p_value_is_that_of_turning_signs_at_random(self) -> None:
        """The randomisation test assumes nothing of how the metric is distributed (Smucker et al. 2007)."""
        rng = np.random.default_rng(3)
        a, b = rng.random(60) > 0.4, rng.random(60) > 0.6
        (found,) = compare_with_each("a", a.astype(float), {"b": b.astype(float)}, seed=0)

        def difference(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
            return np.mean(x, axis=axis) - np.mean(y, axis=axis)

        samples = (a.astype(float), b.astype(float))
        exact = permutation_test(
            samples, difference, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
        )
        assert found.p_value == pytest.approx(exact.pvalue, abs=0.02)

    def test_false_alarms_are_as_rare_as_said(self) -> None:
        """Among five others that are all as good, one is called different in a run of twenty or fewer."""
        rng = np.random.default_rng(0)
        alarms = 0
        for _ in range(300):
            common = rng.random(80)
            models = common + rng.normal(0, 0.3, (6, 80))
            others = {str(number): values for number, values in enumerate(models[1:])}
            found = compare_with_each("model", models[0], others, seed=0)
            alarms += min(difference.p_value for difference in found) < 0.05
        assert alarms / 300 < 0.08

    @pytest.mark.parametrize("count", [1, 50])
    def test_models_that_do_alike_do_not_differ(self, count: int) -> None:
        values = np.linspace(0, 1, count)
        (found,) = compare_with_each("a", values, {"b": values.copy()}, seed=0)
        assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)

    def test_with_nothing_to_compare_there_is_nothing_to_say(self) -> None:
        assert compare_with_each("a", np.ones(3), {}, seed=0) == []
