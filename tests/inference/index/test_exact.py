"""The exact index against an exhaustive search in NumPy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from inference.index.exact import ExactIndex
from tests.oracles import exact_top_k


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(0, 6), st.integers(1, 40))
def test_equals_exhaustive_search_whatever_was_added(seed, num_built, num_added, k):
    """Whole numbers make ties, and scores that are exact in any order of addition."""
    rng = np.random.default_rng(seed)
    items = rng.integers(-2, 3, (num_built + num_added, 3)).astype(np.float32)
    queries = rng.integers(-2, 3, (4, 3)).astype(np.float32)
    excluded = rng.random((4, len(items))) < 0.3
    allowed = rng.random(len(items)) < rng.choice([0.05, 0.7, 1])
    index = ExactIndex(items[:num_built]).add(items[num_built:])
    found = index.search(queries, k, csr_array(excluded), allowed)
    expected, scores = exact_top_k(queries @ items.T, excluded | ~allowed, k)
    np.testing.assert_array_equal(found.items, expected)
    np.testing.assert_array_equal(found.scores, scores)


def test_pads_where_fewer_are_left():
    items = np.eye(3, dtype=np.float32)
    found = ExactIndex(items).search(items[:1], 2, csr_array([[True, False, True]]))
    assert found.items.tolist() == [[1, -1]]
