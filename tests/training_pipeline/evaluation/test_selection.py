"""The selection against a full sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training_pipeline.evaluation.selection import find_top, order_best, stack_found

LEVELS = st.sampled_from([-np.inf, -3.0, -0.0, 0.0, 0.5, 2.0])


@given(arrays(np.float32, st.integers(0, 60), elements=LEVELS), st.integers(1, 70))
def test_finds_the_highest_and_their_ties(scores, k):
    found = find_top(scores, k)
    boundary = np.sort(scores)[-k] if k <= len(scores) else -np.inf
    assert set(np.flatnonzero((scores >= boundary) & (scores > -np.inf))) <= set(found)
    assert (np.diff(found) > 0).all()
    assert (scores[found] > -np.inf).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_few_more_than_are_wanted_pass(kind):
    scores = np.random.default_rng(0).normal(size=1_000_003).astype(kind)
    found = find_top(scores, 500)
    assert 500 <= len(found) <= 600
    assert set(np.argsort(-scores)[:500]) <= set(found)


def test_the_margin_widens_what_is_found():
    scores = np.array([5, 4, 3, 2, 1], np.float32)
    assert find_top(scores, 2).tolist() == [0, 1]
    assert find_top(scores, 2, margin=1.5).tolist() == [0, 1, 2]


def test_best_first_and_ties_in_their_order():
    assert order_best(np.array([1, 3, 2, 3], np.float32), 3).tolist() == [1, 3, 2]
    assert order_best(np.array([1.0]), 3).tolist() == [0]


def test_lists_are_padded():
    items, scores = stack_found([(np.array([4, 2]), np.array([9.0, 8.0])), (np.zeros(0), np.zeros(0))], 3)
    assert items.tolist() == [[4, 2, -1], [-1, -1, -1]]
    assert scores.tolist() == [[9, 8, -np.inf], [-np.inf] * 3]
    assert (items.dtype, scores.dtype) == (np.int32, np.float32)
