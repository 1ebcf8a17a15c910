import numpy as np
import pytest

from training_pipeline.evaluation import bootstrap
from training_pipeline.evaluation.bootstrap import bootstrap_means, paired_difference


class TestBootstrapMeans:
    def test_equals_resampling_one_by_one(self):
        values = np.random.default_rng(3).normal(size=(50, 2))
        rng = np.random.default_rng(7)
        means = [values[rng.integers(50, size=50)].mean(axis=0) for _ in range(400)]
        expected = np.quantile(means, [0.025, 0.975], axis=0)
        np.testing.assert_allclose(bootstrap_means(values, seed=7, resamples=400), expected)

    def test_matches_the_normal_interval_of_a_large_sample(self):
        # 2,000 coin tosses with p = .3: standard error sqrt(.3 * .7 / 2000) = .01025, so .3 -+ 1.96 * .01025.
        tosses = np.repeat([1.0, 0.0], [600, 1400])[:, None]
        low, high = bootstrap_means(tosses, seed=0, resamples=4000)
        assert [low[0], high[0]] == pytest.approx([0.2799, 0.3201], abs=0.0015)

    def test_one_query_gives_its_value(self):
        low, high = bootstrap_means(np.array([[0.25, 0.1]]), seed=0)
        assert low.tolist() == high.tolist() == [0.25, 0.1]

    def test_seed_fixes_the_interval(self):
        values = np.random.default_rng(0).random((30, 1))
        np.testing.assert_array_equal(bootstrap_means(values, 1), bootstrap_means(values, 1))
        assert bootstrap_means(values, 1)[0] != bootstrap_means(values, 2)[0]

    def test_chunks_do_not_change_the_interval(self, monkeypatch):
        values = np.random.default_rng(0).random((31, 1))
        whole = bootstrap_means(values, 1)
        monkeypatch.setattr(bootstrap, "_DRAWS_AT_ONCE", 31 * 7)
        np.testing.assert_allclose(bootstrap_means(values, 1), whole)

    def test_no_queries_are_refused(self):
        with pytest.raises(ValueError, match=r"at least one query, got \[0, 2\]; leave out segments without"):
            bootstrap_means(np.zeros((0, 2)), seed=0)

    def test_values_that_are_not_finite_are_refused(self):
        with pytest.raises(ValueError, match="values: expected finite numbers, got 2 others"):
            bootstrap_means(np.array([[1.0], [np.nan], [np.inf]]), seed=0)


class TestPairedDifference:
    def test_a_constant_gain_has_no_spread(self):
        # The values vary widely between queries, the gain is .25 in each: pairing removes the variation.
        b = np.arange(64) / 64
        assert paired_difference(b + 0.25, b, seed=0) == (0.25, 0.25, 0.25)

    def test_is_the_interval_of_the_differences(self):
        a, b = np.random.default_rng(0).random((2, 40))
        difference, low, high = paired_difference(a, b, seed=5)
        expected_low, expected_high = bootstrap_means((a - b)[:, None], seed=5)
        assert difference == pytest.approx(a.mean() - b.mean())
        assert (low, high) == (expected_low[0], expected_high[0])

    def test_different_queries_are_refused(self):
        with pytest.raises(ValueError, match=r"from the same queries, got shapes \(2,\), \(3,\)"):
            paired_difference(np.zeros(2), np.zeros(3), seed=0)
