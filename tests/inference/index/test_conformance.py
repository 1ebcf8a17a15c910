"""What holds for every kind of index: nothing forbidden, lists full, exact scores, items that come and go."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from inference.index.index import Index
from tests.inference.index.kinds import build, draw_items
from tests.oracles import exact_top_k
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.exact_search import ExactSearch

ITEMS = draw_items()
QUERIES = ITEMS[::60] + 0.1
NUM_ITEMS, NUM_QUERIES = len(ITEMS), len(QUERIES)
RNG = np.random.default_rng(1)
ENOUGH = 0.8  # ScaNN looks into a third of the leaves


@pytest.fixture(params=["exact", "scann"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def index(kind: str) -> Index:
    return build(kind, ITEMS)


def check(found: Candidates, items: np.ndarray, queries: np.ndarray, remaining: np.ndarray, k: int) -> None:
    """Every list is as long as it can be, holds only what remains, once, in order and with exact scores."""
    assert found.items.shape == found.scores.shape == (len(queries), k)
    assert (found.items.dtype, found.scores.dtype) == (np.int32, np.float32)
    search = ExactSearch(items)
    for query, own, scores, left in zip(queries, found.items, found.scores, remaining, strict=True):
        length = min(k, left.sum())
        assert (own[length:] == -1).all()
        assert np.isneginf(scores[length:]).all()
        assert len(set(own[:length])) == length
        assert left[own[:length]].all()
        np.testing.assert_array_equal(scores[:length], search.score(query, own[:length]))
        assert list(zip(-scores[:length], own[:length], strict=True)) == sorted(
            zip(-scores[:length], own[:length], strict=True)
        )


def measure_recall(found: Candidates, items: np.ndarray, queries: np.ndarray, remaining: np.ndarray) -> float:
    """The share of the best that was found, mean over queries."""
    best, _ = exact_top_k(queries @ items.T, ~remaining, found.items.shape[1])
    pairs = zip(best, found.items, strict=True)
    return float(np.mean([np.isin(expected[expected >= 0], own).mean() for expected, own in pairs]))


@pytest.mark.parametrize("k", [1, 10, 100, 599, 600, 1000])
def test_any_number(index, k):
    everything = np.ones((NUM_QUERIES, NUM_ITEMS), bool)
    found = index.search(QUERIES, k)
    check(found, ITEMS, QUERIES, everything, k)
    assert measure_recall(found, ITEMS, QUERIES, everything) >= ENOUGH


@pytest.mark.parametrize("share", [0.01, 0.5, 0.97, 1])
def test_exclusions_leave_lists_full(index, share):
    excluded = RNG.random((NUM_QUERIES, NUM_ITEMS)) < share
    check(index.search(QUERIES, 20, csr_array(excluded)), ITEMS, QUERIES, ~excluded, 20)


def test_excluding_the_very_best_leaves_lists_full(index):
    best = np.argsort(-QUERIES @ ITEMS.T, axis=1)[:, :300]
    excluded = np.zeros((NUM_QUERIES, NUM_ITEMS), bool)
    np.put_along_axis(excluded, best, True, axis=1)
    found = index.search(QUERIES, 100, csr_array(excluded))
    check(found, ITEMS, QUERIES, ~excluded, 100)
    assert measure_recall(found, ITEMS, QUERIES, ~excluded) >= ENOUGH


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.9, 1])
def test_filters_leave_lists_full(index, share):
    allowed = RNG.random(NUM_ITEMS) < share
    excluded = RNG.random((NUM_QUERIES, NUM_ITEMS)) < 0.2
    found = index.search(QUERIES, 20, csr_array(excluded), allowed)
    check(found, ITEMS, QUERIES, allowed & ~excluded, 20)
    if share:
        assert measure_recall(found, ITEMS, QUERIES, allowed & ~excluded) >= ENOUGH


def test_a_filter_far_from_the_query(index):
    """The allowed items are the worst of all for the query, and stand in other leaves than it looks into."""
    query = QUERIES[:1]
    allowed = np.zeros(NUM_ITEMS, bool)
    allowed[np.argsort(query @ ITEMS.T)[0, :250]] = True
    check(index.search(query, 40, allowed=allowed), ITEMS, query, allowed[None], 40)


def test_ties_by_the_lower_position(kind):
    items = np.tile(draw_items(60), (10, 1))
    found = build(kind, items).search(items[:5], 30)
    check(found, items, items[:5], np.ones((5, 600), bool), 30)


def test_the_same_in_any_batch(index):
    excluded = csr_array(RNG.random((NUM_QUERIES, NUM_ITEMS)) < 0.1)
    together = index.search(QUERIES, 30, excluded)
    for row in range(NUM_QUERIES):
        alone = index.search(QUERIES[row : row + 1], 30, excluded[[row]])
        np.testing.assert_array_equal(alone.items[0], together.items[row])
        np.testing.assert_array_equal(alone.scores[0], together.scores[row])


def test_no_queries(index):
    found = index.search(QUERIES[:0], 7, csr_array((0, NUM_ITEMS), dtype=bool), np.ones(NUM_ITEMS, bool))
    assert found.items.shape == found.scores.shape == (0, 7)


def test_added_items_are_found_at_once(index):
    after = index.add(3 * QUERIES[:2]).add(QUERIES[2:3])
    assert after.num_items == NUM_ITEMS + 3
    items = np.concatenate([ITEMS, 3 * QUERIES[:2], QUERIES[2:3]])
    found = after.search(QUERIES, 50)
    assert found.items[:2, 0].tolist() == [NUM_ITEMS, NUM_ITEMS + 1]
    check(found, items, QUERIES, np.ones((NUM_QUERIES, len(items)), bool), 50)


def test_an_index_does_not_change_when_items_are_added_to_it(index):
    before = index.search(QUERIES, 50)
    index.add(3 * QUERIES)
    assert index.num_items == NUM_ITEMS
    np.testing.assert_array_equal(index.search(QUERIES, 50).items, before.items)


def test_added_items_are_excluded_and_filtered_too(index):
    items = np.concatenate([ITEMS, QUERIES])
    excluded = RNG.random((NUM_QUERIES, len(items))) < 0.3
    allowed = RNG.random(len(items)) < 0.6
    allowed[[0, NUM_ITEMS]] = False
    found = index.add(QUERIES).search(QUERIES, 40, csr_array(excluded), allowed)
    check(found, items, QUERIES, allowed & ~excluded, 40)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (ITEMS[0], "embeddings: expected shape [num_added, 8], got [8]"),
        (ITEMS[:, :2], "embeddings: expected shape [num_added, 8], got [600, 2]"),
        (
            np.full((2, 8), np.inf),
            "items: expected finite numbers, got others; check whether the model's training diverged",
        ),
    ],
)
def test_what_cannot_be_added_is_refused(index, embeddings, message):
    with pytest.raises(ValueError, match=r".") as error:
        index.add(embeddings)
    assert str(error.value) == message


def test_stored_zeros_exclude_nothing(index):
    excluded = csr_array(np.ones((1, NUM_ITEMS), bool))
    excluded.data[:] = False
    assert (index.search(QUERIES[:1], 5, excluded).items >= 0).all()


BROKEN = np.where(np.arange(NUM_QUERIES)[:, None] == 2, np.nan, QUERIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((QUERIES, 0), "k: expected a list length of at least 1, got 0"),
        ((QUERIES[:, :5], 3), "queries: expected shape [num_queries, 8], got [10, 5]"),
        (
            (BROKEN, 3),
            "queries: expected finite numbers, got others in 1 of 10 queries (first: query 2); check whether "
            "the model's training diverged",
        ),
        ((QUERIES, 3, csr_array((10, 599), dtype=bool)), "excluded: expected shape [10, 600], got [10, 599]"),
        ((QUERIES, 3, None, np.ones(5, bool)), "allowed: expected shape [600], got [5]"),
    ],
)
def test_what_cannot_be_searched_is_refused(index, arguments, message):
    with pytest.raises(ValueError, match=r".") as error:
        index.search(*arguments)
    assert str(error.value) == message
