"""The validation metric against an exact search in NumPy, and against the metric and searches of TFRS."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import exact_ranks
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK

NUM_ITEMS, NUM_QUERIES, DIM = 30, 50, 3
KS = (1, 3, 10)
Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def make_data(levels: int | None, seed: int = 0, num_queries: int = NUM_QUERIES) -> Data:
    """Queries, items, targets and what each query has seen; few `levels` of the coordinates make ties."""
    rng = np.random.default_rng(seed)
    draw = (
        (lambda size: rng.normal(size=size))
        if levels is None
        else lambda size: rng.integers(levels, size=size)
    )
    queries, items = draw((num_queries, DIM)), draw((NUM_ITEMS, DIM))
    target = rng.integers(NUM_ITEMS, size=num_queries)
    seen = rng.random((num_queries, NUM_ITEMS)) < 0.3
    seen[np.arange(num_queries), target] = False
    seen[:3] = False
    return queries.astype(np.float32), items.astype(np.float32), target.astype(np.int32), seen


def pad(seen: np.ndarray) -> np.ndarray:
    """The seen items of each query, with -1 behind."""
    rows = np.full((len(seen), seen.sum(axis=1).max(initial=0)), -1, np.int32)
    for row, marks in zip(rows, seen, strict=True):
        row[: marks.sum()] = np.flatnonzero(marks)
    return rows


@cache
def make_metric(**arguments: Any) -> FactorizedTopK:
    """One for all tests that set its candidates anew: tracing takes longer than measuring."""
    return FactorizedTopK(NUM_ITEMS, DIM, KS, **arguments)


def measure(data: Data, batch_size: int = NUM_QUERIES, **arguments: Any) -> dict[str, float]:
    queries, items, target, seen = data
    metric = make_metric(**arguments)
    metric.reset_states()
    metric.set_candidates(items)
    for start in range(0, len(queries), batch_size):
        batch = slice(start, start + batch_size)
        metric.update_state(queries[batch], target[batch], pad(seen[batch]))
    return read(metric)


def read(metric: tfrs.metrics.Factorized) -> dict[str, float]:
    return {part.name: float(part.result()) for part in metric.metrics}


def rank_exactly(data: Data) -> np.ndarray:
    queries, items, target, seen = data
    return exact_ranks(queries @ items.T, np.arange(len(items)) == target[:, None], seen)


def compute_exactly(data: Data) -> dict[str, float]:
    ranks = rank_exactly(data)
    gains = 1 / np.log2(ranks + 2)
    return {
        f"factorized_top_k/{name}_{k}{rest}": float(np.mean((ranks < k) * values))
        for k in KS
        for name, rest, values in (("top", "_categorical_accuracy", np.ones(1)), ("ndcg", "", gains))
    }


def search_streaming(items: np.ndarray) -> tfrs.layers.factorized_top_k.TopK:
    corpus = tf.data.Dataset.from_tensor_slices((np.arange(len(items), dtype=np.int32), items))
    return tfrs.layers.factorized_top_k.Streaming(k=max(KS)).index_from_dataset(corpus.batch(7))


def search_by_brute_force(items: np.ndarray) -> tfrs.layers.factorized_top_k.TopK:
    return tfrs.layers.factorized_top_k.BruteForce(k=max(KS)).index(
        items, np.arange(len(items), dtype=np.int32)
    )


both_searches = pytest.mark.parametrize("search", [search_streaming, search_by_brute_force])


@pytest.mark.parametrize("levels", [None, 2, 5], ids=["no ties", "many ties", "some ties"])
def test_equals_exact_search_with_exclusions(levels: int | None) -> None:
    data = make_data(levels)
    assert measure(data) == pytest.approx(compute_exactly(data), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    levels=st.integers(1, 4),
    num_queries=st.integers(3, 20),
    block_size=st.sampled_from([1, 7]),
)
def test_ranks_equal_exact_search(seed: int, levels: int, num_queries: int, block_size: int) -> None:
    # Whole numbers: every sum is exact, so that equal scores are equal in whatever order they were added up.
    queries, items, target, seen = data = make_data(levels, seed, num_queries)
    metric = make_metric(block_size=block_size)
    metric.set_candidates(items)
    np.testing.assert_array_equal(metric.compute_ranks(queries, target, pad(seen)), rank_exactly(data))


def test_ties_share_their_average_rank() -> None:
    # Items 1 and 2 tie with the target 0 behind item 3: rank 1 + 2 / 2 = 2, gain 1 / log2(4).
    queries, items = np.ones((1, DIM), np.float32), np.zeros((NUM_ITEMS, DIM), np.float32) - 1
    items[:3], items[3] = 0.0, 1.0
    data = (queries, items, np.zeros(1, np.int32), np.zeros((1, NUM_ITEMS), bool))

    measured = measure(data)
    assert measured["factorized_top_k/ndcg_3"] == pytest.approx(0.5)
    assert measured["factorized_top_k/top_1_categorical_accuracy"] == 0
    # The best rank of the three is 1: gain 1 / log2(3).
    assert measure(data, ties="best")["factorized_top_k/ndcg_3"] == pytest.approx(1 / np.log2(3))


@pytest.mark.parametrize("num_queries", [1, 2, 5, 50])
def test_copies_of_the_target_tie_with_it(num_queries: int) -> None:
    # Each of 30 equal items stands in the middle, also where sums are inexact: rank 29 / 2.
    rng = np.random.default_rng(0)
    items = np.tile(rng.normal(size=(1, DIM)), (NUM_ITEMS, 1)).astype(np.float32)
    queries = rng.normal(size=(num_queries, DIM)).astype(np.float32)
    metric = make_metric()
    metric.set_candidates(items)
    nothing = np.zeros((num_queries, 0), np.int32)
    ranks = metric.compute_ranks(queries, np.arange(num_queries, dtype=np.int32) % NUM_ITEMS, nothing)
    np.testing.assert_array_equal(ranks, np.full(num_queries, 14.5))


def test_an_item_seen_twice_is_excluded_once() -> None:
    # Scores 4, 3, 2, 1, 0 for the items; the target is item 3, and items 0 and 2 were seen: item 1 is above.
    metric = FactorizedTopK(5, 1, KS)
    metric.set_candidates(np.arange(4, -1, -1, dtype=np.float32)[:, None])
    seen = np.array([[2, 0, -1, 2, 2]], np.int32)
    assert metric.compute_ranks(np.ones((1, 1), np.float32), np.array([3], np.int32), seen).numpy() == [1]


@pytest.mark.parametrize("block_size", [1, 7, 1000])
def test_batches_and_blocks_do_not_matter(block_size: int) -> None:
    data = make_data(levels=2)
    expected = measure(data)
    assert measure(data, batch_size=9, block_size=block_size) == pytest.approx(expected, abs=1e-6)
    assert measure(data, block_size=block_size) == pytest.approx(expected, abs=1e-6)


@both_searches
@pytest.mark.parametrize("levels", [2, 5, 1000], ids=["many ties", "some ties", "hardly any ties"])
def test_equals_tfrs_with_ties(search: Any, levels: int) -> None:
    queries, items, target, seen = make_data(levels)
    theirs = tfrs.metrics.FactorizedTopK(search(items), ks=KS)
    theirs.update_state(queries, items[target])

    ours = measure((queries, items, target, np.zeros_like(seen)), ties="best")
    expected = read(theirs)
    assert 0 < expected["factorized_top_k/top_1_categorical_accuracy"] < 1
    assert {name: ours[name] for name in expected} == expected


@both_searches
def test_equals_tfrs_by_ids(search: Any) -> None:
    # By ids, as TFRS adds up the true candidate's score in another order than those of the others.
    queries, items, target, seen = make_data(levels=None)
    theirs = tfrs.metrics.FactorizedTopK(search(items), ks=KS)
    theirs.update_state(queries, items[target], true_candidate_ids=target)

    ours = measure((queries, items, target, np.zeros_like(seen)))
    expected = read(theirs)
    assert {name: ours[name] for name in expected} == expected


@both_searches
def test_equals_tfrs_with_exclusions(search: Any) -> None:
    queries, items, target, seen = data = make_data(levels=None)
    layer = search(items)
    _, found = layer.query_with_exclusions(tf.constant(queries), tf.constant(pad(seen)))

    ours = measure(data)
    for k in KS:
        hits = (found.numpy()[:, :k] == target[:, None]).any(axis=1)
        assert ours[f"factorized_top_k/top_{k}_categorical_accuracy"] == pytest.approx(hits.mean())


def test_new_candidates_replace_the_old() -> None:
    queries, items, target, seen = data = make_data(levels=None)
    metric = FactorizedTopK(NUM_ITEMS, DIM, KS)
    metric.set_candidates(items[::-1])
    metric.set_candidates(items)
    metric.update_state(queries, target, pad(seen))
    assert read(metric) == pytest.approx(measure(data), abs=1e-6)


@pytest.mark.parametrize("where", ["queries", "items"])
def test_a_model_that_diverged_scores_nothing(where: str) -> None:
    queries, items, target, seen = make_data(levels=None)
    broken = np.full_like(queries if where == "queries" else items, np.nan)
    data = (broken, items, target, seen) if where == "queries" else (queries, broken, target, seen)
    assert set(measure(data).values()) == {0.0}


def test_a_rival_that_is_not_a_number_stands_above() -> None:
    # Item 0 is the target and scores best; item 2 is broken, and so is item 3, which was seen: rank 1.
    metric = FactorizedTopK(4, 1, KS)
    metric.set_candidates(np.array([[3], [2], [np.nan], [np.nan]], np.float32))
    ranks = metric.compute_ranks(
        np.ones((1, 1), np.float32), np.zeros(1, np.int32), np.array([[3]], np.int32)
    )
    assert ranks.numpy() == [1]


def test_memory_is_bounded_by_the_default_block() -> None:
    # 2**22 scores at a time, but no fewer than 16 queries.
    assert FactorizedTopK(1_000_000, 1).block_size == 16
    assert FactorizedTopK(3_533, 1).block_size == 1187
