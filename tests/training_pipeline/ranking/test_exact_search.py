"""Exact search: the same in any batch, however its products round, and within its memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tests.oracles import exact_top_k
from training_pipeline.ranking import exact_search
from training_pipeline.ranking.exact_search import ExactSearch


@st.composite
def searches(draw):
    """Items and queries of few whole numbers, so that scores are exact and many tie."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    num_items, num_queries, dim = draw(st.integers(0, 40)), draw(st.integers(0, 5)), draw(st.integers(1, 5))
    items, queries = (rng.integers(-2, 3, (n, dim)).astype(np.float32) for n in (num_items, num_queries))
    excluded = rng.random((num_queries, num_items)) < draw(st.sampled_from([0, 0.3, 0.9, 1]))
    eligible = rng.random(num_items) < draw(st.sampled_from([0, 0.05, 0.5, 1]))
    return items, queries, excluded, eligible, draw(st.integers(1, 45))


@given(searches(), st.sampled_from([1, 50, 2**26]))
def test_equals_a_full_sort(search, scores_at_once):
    items, queries, excluded, eligible, k = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_search, "SCORES_AT_ONCE", scores_at_once)
        found = ExactSearch(items).find(queries, k, csr_array(excluded), eligible)
    for got, expected in zip(found, exact_top_k(queries @ items.T, excluded | ~eligible, k), strict=True):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype


@pytest.mark.parametrize("dim", [1, 3, 64])
def test_a_query_has_the_same_candidates_in_any_batch(dim):
    """Products of one query and of many add up in other orders, and here nearly all scores are close."""
    rng = np.random.default_rng(3)
    items = (1 + 1e-6 * rng.normal(size=(5003, dim))).astype(np.float32)
    queries = (1 + 1e-6 * rng.normal(size=(37, dim))).astype(np.float32)
    search = ExactSearch(items)
    together = search.find(queries, 50)
    alone = [search.find(queries[row : row + 1], 50) for row in range(len(queries))]
    for batch, single in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(batch, np.concatenate(single))


def test_equal_items_tie_wherever_they_stand():
    rng = np.random.default_rng(4)
    items = np.tile(rng.normal(size=(7, 33)).astype(np.float32), (101, 1))
    queries = rng.normal(size=(19, 33)).astype(np.float32)
    found, _ = ExactSearch(items).find(queries, 101)
    best = np.argmax(queries @ items[:7].T, axis=1)
    np.testing.assert_array_equal(found, best[:, None] + 7 * np.arange(101))


def test_the_items_are_searched_where_they_lie(tmp_path):
    items = np.random.default_rng(5).normal(size=(2000, 8)).astype(np.float32)
    np.save(tmp_path / "items.npy", items)
    mapped = np.load(tmp_path / "items.npy", mmap_mode="r")
    for got, expected in zip(
        ExactSearch(mapped).find(items[:3], 20), ExactSearch(items).find(items[:3], 20), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


ITEMS = np.eye(3, dtype=np.float32)
BROKEN = np.where(ITEMS[:, 1:2], np.nan, ITEMS)


@pytest.mark.parametrize(
    ("items", "queries", "k", "message"),
    [
        (ITEMS, ITEMS, 0, "k: expected a list length of at least 1, got 0"),
        (ITEMS, ITEMS[:, :2], 1, "queries: expected shape [num_queries, 3], got [3, 2]"),
        (ITEMS, ITEMS[0], 1, "queries: expected shape [num_queries, 3], got [3]"),
        (
            ITEMS,
            BROKEN,
            1,
            "queries: expected finite numbers, got others in 1 of 3 queries (first: query 1); check whether "
            "the model's training diverged",
        ),
        (
            np.full((2, 3), np.inf, np.float32),
            ITEMS,
            1,
            "items: expected finite numbers, got others; check whether the model's training diverged",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(items, queries, k, message):
    with pytest.raises(ValueError, match=r".") as error:
        ExactSearch(items).find(queries, k)
    assert str(error.value) == message
