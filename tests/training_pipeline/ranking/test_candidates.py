"""Retrieval for the ranker is an exact search that leaves out what was seen."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from tests.oracles import exact_top_k
from training_pipeline.ranking.candidates import retrieve_candidates

RNG = np.random.default_rng(0)
# Whole numbers make ties, and scores that are exact in any order of addition.
QUERIES = RNG.integers(-2, 3, size=(23, 4)).astype(np.float32)
ITEMS = RNG.integers(-2, 3, size=(15, 4)).astype(np.float32)
SEEN = RNG.random((23, 15)) < 0.4
SEEN[0] = True


@pytest.mark.parametrize("k", [1, 6, 15, 40])
def test_equals_an_exact_search(k: int) -> None:
    found = retrieve_candidates(QUERIES, ITEMS, csr_array(SEEN), k)

    items, scores = exact_top_k(QUERIES @ ITEMS.T, SEEN, k)
    np.testing.assert_array_equal(found.items, items)
    np.testing.assert_array_equal(found.scores, scores)
    assert (found.items.dtype, found.scores.dtype) == (np.int32, np.float32)


def test_a_query_that_has_seen_everything_has_no_candidates() -> None:
    found = retrieve_candidates(QUERIES, ITEMS, csr_array(SEEN), 5)
    assert (found.items[0] == -1).all()
