"""The validation metric against an exact search in NumPy, and against the one of TFRS where both apply."""

import numpy as np
import pytest
import tensorflow_recommenders as tfrs

from tests.oracles import exact_ranks
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK

NUM_ITEMS, NUM_QUERIES, DIM = 30, 50, 3
KS = (1, 3, 10)
Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def make_data(levels: int | None) -> Data:
    """Queries, items, targets and what each query has seen; few `levels` of the coordinates make ties."""
    rng = np.random.default_rng(0)
    draw = (
        (lambda size: rng.normal(size=size))
        if levels is None
        else lambda size: rng.integers(levels, size=size)
    )
    queries, items = draw((NUM_QUERIES, DIM)), draw((NUM_ITEMS, DIM))
    target = rng.integers(NUM_ITEMS, size=NUM_QUERIES)
    seen = rng.random((NUM_QUERIES, NUM_ITEMS)) < 0.3
    seen[np.arange(NUM_QUERIES), target] = False
    seen[:3] = False
    return queries.astype(np.float32), items.astype(np.float32), target.astype(np.int32), seen


def pad(seen: np.ndarray) -> np.ndarray:
    """The seen items of each query, with -1 behind."""
    rows = np.full((len(seen), seen.sum(axis=1).max(initial=0)), -1, np.int32)
    for row, marks in zip(rows, seen, strict=True):
        row[: marks.sum()] = np.flatnonzero(marks)
    return rows


def measure(data: Data, batch_size: int = NUM_QUERIES) -> dict[str, float]:
    queries, items, target, seen = data
    metric = FactorizedTopK(NUM_ITEMS, DIM, KS)
    metric.set_candidates(items)
    for start in range(0, len(queries), batch_size):
        batch = slice(start, start + batch_size)
        metric.update_state(queries[batch], target[batch], pad(seen[batch]))
    return {part.name: float(part.result()) for part in metric.metrics}


def compute_exactly(data: Data) -> dict[str, float]:
    queries, items, target, seen = data
    relevant = np.arange(NUM_ITEMS) == target[:, None]
    ranks = exact_ranks(queries @ items.T, relevant, seen)
    gains = 1 / np.log2(ranks + 2)
    return {
        f"factorized_top_k/{name}_{k}{rest}": float(np.mean((ranks < k) * values))
        for k in KS
        for name, rest, values in (("top", "_categorical_accuracy", np.ones(1)), ("ndcg", "", gains))
    }


@pytest.mark.parametrize("levels", [None, 2, 5], ids=["no ties", "many ties", "some ties"])
def test_equals_exact_search_with_exclusions(levels: int | None) -> None:
    data = make_data(levels)
    assert measure(data) == pytest.approx(compute_exactly(data), abs=1e-6)


def test_ties_share_their_average_rank() -> None:
    # Items 1 and 2 tie with the target 0 behind item 3: rank 1 + 2 / 2 = 2, gain 1 / log2(4).
    queries, items = np.ones((1, DIM), np.float32), np.zeros((NUM_ITEMS, DIM), np.float32) - 1
    items[:3], items[3] = 0.0, 1.0
    measured = measure((queries, items, np.zeros(1, np.int32), np.zeros((1, NUM_ITEMS), bool)))

    assert measured["factorized_top_k/ndcg_3"] == pytest.approx(0.5)
    assert measured["factorized_top_k/top_1_categorical_accuracy"] == 0


def test_batches_do_not_matter() -> None:
    data = make_data(levels=2)
    assert measure(data, batch_size=7) == pytest.approx(measure(data), abs=1e-6)


def test_equals_tfrs_without_ties_and_exclusions() -> None:
    queries, items, target, _ = make_data(levels=None)
    nothing_seen = np.zeros((NUM_QUERIES, NUM_ITEMS), bool)
    search = tfrs.layers.factorized_top_k.BruteForce().index(items)
    theirs = tfrs.metrics.FactorizedTopK(search, ks=KS, name="factorized_top_k")
    theirs.update_state(queries, items[target])

    ours = measure((queries, items, target, nothing_seen))
    for part in theirs.metrics:
        assert ours[part.name] == pytest.approx(float(part.result()), abs=1e-6)


def test_new_candidates_replace_the_old() -> None:
    queries, items, target, seen = data = make_data(levels=None)
    metric = FactorizedTopK(NUM_ITEMS, DIM, KS)
    metric.set_candidates(items[::-1])
    metric.set_candidates(items)
    metric.update_state(queries, target, pad(seen))
    assert {part.name: float(part.result()) for part in metric.metrics} == pytest.approx(
        measure(data), abs=1e-6
    )


@pytest.mark.parametrize("where", ["queries", "items"])
def test_a_model_that_diverged_scores_nothing(where: str) -> None:
    queries, items, target, seen = make_data(levels=None)
    broken = np.full_like(queries if where == "queries" else items, np.nan)
    data = (broken, items, target, seen) if where == "queries" else (queries, broken, target, seen)
    assert set(measure(data).values()) == {0.0}
