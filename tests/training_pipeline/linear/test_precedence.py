"""Which item comes first: by hand, and against a count of every pair."""

import numpy as np
import pytest

from training_pipeline.linear.precedence import fit_precedence


def test_by_hand() -> None:
    # User 0: items 0, 1, 0, user 1: 1, 2. Of 0 and 1 each came after the other once, of 1 and 2 the second
    # alone: (1 + 1) / (1 + 2). Items 0 and 2 never met.
    shares = fit_precedence(np.array([0, 1, 0, 0, 1]), np.array([0, 1, 1, 0, 2]), 3)
    np.testing.assert_allclose(shares, [[1 / 2, 1 / 2, 1 / 2], [1 / 2, 1 / 2, 2 / 3], [1 / 2, 1 / 3, 1 / 2]])
    assert shares.dtype == np.float32


@pytest.mark.parametrize("reach", [1, 3, 50])
def test_equals_a_count_pair_by_pair(reach: int) -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 9, 120), rng.integers(0, 7, 120)
    after = np.zeros((7, 7))
    for who in range(9):
        past = item[user == who]
        for late in range(len(past)):
            for early in range(max(late - reach, 0), late):
                after[past[early], past[late]] += 1
    expected = (after + 1) / (after + after.T + 2)
    shares = fit_precedence(user, item, 7, reach)
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    np.testing.assert_allclose(shares + shares.T, 1, rtol=1e-6)
    assert len(np.unique(shares)) > 5


def test_without_events_nothing_comes_first() -> None:
    nothing = np.array([], int)
    np.testing.assert_array_equal(fit_precedence(nothing, nothing, 2), np.full((2, 2), 0.5))
