"""The index against an exhaustive search in NumPy."""

import numpy as np
from scipy.sparse import csr_array

from inference.index import ExactIndex
from tests.oracles import exact_top_k


def test_equals_exhaustive_search():
    rng = np.random.default_rng(0)
    items, queries = (rng.normal(size=(n, 6)).astype(np.float32) for n in (50, 9))
    seen = rng.random((9, 50)) < 0.3
    found = ExactIndex(items).search(queries, 12, csr_array(seen))
    expected, scores = exact_top_k(queries @ items.T, seen, 12)
    np.testing.assert_array_equal(found.items, expected)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)


def test_pads_where_fewer_are_left():
    items = np.eye(3, dtype=np.float32)
    found = ExactIndex(items).search(items[:1], 2, csr_array([[True, False, True]]))
    assert found.items.tolist() == [[1, -1]]
