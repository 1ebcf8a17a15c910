"""A model of random scores gets of every metric what chance gives, and constant scores the middle rank.

With N items in the race, of which n are relevant, every order is as likely: each rank holds a relevant item
with the chance n / N. Means over queries must lie within four of their standard errors.
"""

from math import comb

import numpy as np
import pytest
from scipy.sparse import csr_array

from training_pipeline.evaluation.list_metrics import (
    compute_coverage,
    compute_exposure,
    compute_popularity,
)
from training_pipeline.evaluation.metrics import METRICS, compute_metrics
from training_pipeline.evaluation.ranks import compute_ranks, top_k

NUM_QUERIES, NUM_ITEMS = 6000, 40
CUTOFFS = (1, 5, 10, 20)
GAINS = 1 / np.log2(np.arange(NUM_ITEMS) + 2)


def mark_items(num_relevant: int, num_seen: int) -> tuple[csr_array, csr_array]:
    """The first items of the corpus are relevant, the next seen, for every query."""
    relevant, seen = np.zeros((2, NUM_QUERIES, NUM_ITEMS), bool)
    relevant[:, :num_relevant] = True
    seen[:, num_relevant : num_relevant + num_seen] = True
    return csr_array(relevant), csr_array(seen)


def measure_at_random(num_relevant: int, num_seen: int) -> dict[str, np.ndarray]:
    relevant, seen = mark_items(num_relevant, num_seen)
    scores = np.random.default_rng(100 * num_relevant + num_seen).random((NUM_QUERIES, NUM_ITEMS))
    ranks = compute_ranks(lambda block: scores[block], relevant, seen)
    return compute_metrics(ranks, relevant.indptr, CUTOFFS)


def check_means(values: dict[str, np.ndarray], expected: dict[str, float]) -> None:
    assert set(values) == set(expected)
    for name, mean in expected.items():
        error = values[name].std(ddof=1) / np.sqrt(len(values[name]))
        assert abs(values[name].mean() - mean) <= 4 * error + 1e-12, name


@pytest.mark.parametrize("num_seen", [0, 15])
def test_one_relevant_item(num_seen: int) -> None:
    """Its rank r is any of 0 to N - 1; at rank r < k its metrics are what stands under the sums."""
    n = NUM_ITEMS - num_seen
    expected = {"MRR": sum(1 / (r + 1) for r in range(n)) / n}
    for k in CUTOFFS:
        expected |= {
            f"HR@{k}": k / n,
            f"NDCG@{k}": sum(GAINS[r] for r in range(k)) / n,
            f"MAP@{k}": sum(1 / (r + 1) for r in range(k)) / n,
            f"precision@{k}": 1 / n,
            f"recall@{k}": k / n,
            f"F1@{k}": 2 * k / (k + 1) / n,
        }
    check_means(measure_at_random(1, num_seen), expected)


@pytest.mark.parametrize(("num_relevant", "num_seen"), [(3, 0), (3, 15), (6, 0), (6, 8)])
def test_several_relevant_items(num_relevant: int, num_seen: int) -> None:
    n, m = NUM_ITEMS - num_seen, num_relevant
    share = m / n
    # The best is at rank r if the m - 1 others are among the n - 1 - r ranks below.
    expected = {"MRR": sum(comb(n - 1 - r, m - 1) / (r + 1) for r in range(n)) / comb(n, m)}
    for k in CUTOFFS:
        # Each of the r ranks above a hit at rank r holds one of the m - 1 others with chance (m-1) / (n-1).
        places = [(1 + r * (m - 1) / (n - 1)) / (r + 1) for r in range(k)]
        expected |= {
            f"HR@{k}": 1 - comb(n - m, k) / comb(n, k),
            f"NDCG@{k}": share * GAINS[:k].sum() / GAINS[: min(k, m)].sum(),
            f"MAP@{k}": share * sum(places) / min(k, m),
            f"precision@{k}": share,
            f"recall@{k}": k / n,
            f"F1@{k}": 2 * k * share / (k + m),
        }
    check_means(measure_at_random(m, num_seen), expected)


@pytest.mark.parametrize(("num_relevant", "num_seen"), [(1, 0), (1, 15), (5, 0), (5, 35)])
def test_equal_scores_give_the_middle_rank(num_relevant: int, num_seen: int) -> None:
    relevant, seen = mark_items(num_relevant, num_seen)
    scores = np.full((NUM_QUERIES, NUM_ITEMS), 0.25, np.float32)
    ranks = compute_ranks(lambda block: scores[block], relevant, seen)
    assert np.unique(ranks).tolist() == [(NUM_ITEMS - num_seen - 1) / 2]


def test_no_metric_is_left_out() -> None:
    assert set(METRICS) == {"HR", "NDCG", "MAP", "precision", "recall", "F1"}


@pytest.mark.parametrize("num_seen", [0, 15])
def test_lists_at_random(num_seen: int) -> None:
    """Each place holds any item that is not seen, which are the last here, with the same chance."""
    _, seen = mark_items(NUM_ITEMS - num_seen, num_seen)
    rng = np.random.default_rng(7 + num_seen)
    lists, _ = top_k(rng.random((NUM_QUERIES, NUM_ITEMS)), seen, 10)
    n = NUM_ITEMS - num_seen
    # Ascending by item, so that the n unseen are the least popular: their middle is n / 2 of all items.
    popularity, in_group = 10 + np.arange(NUM_ITEMS), np.arange(NUM_ITEMS) % 5 == 0
    values = {
        "popularity": compute_popularity(lists, popularity),
        "exposure": compute_exposure(lists, in_group),
    }
    check_means(values, {"popularity": n / 2 / NUM_ITEMS, "exposure": in_group[:n].mean()})
    assert compute_coverage(lists, NUM_ITEMS) == n / NUM_ITEMS


def test_coverage_of_few_random_lists() -> None:
    """An item is in none of q lists of k with a chance of (1 - k / N)^q."""
    rng = np.random.default_rng(9)
    lists, _ = top_k(rng.random((NUM_QUERIES, NUM_ITEMS)), csr_array((NUM_QUERIES, NUM_ITEMS)), 10)
    shares = [compute_coverage(lists[start : start + 4], NUM_ITEMS) for start in range(0, NUM_QUERIES, 4)]
    check_means({"coverage": np.array(shares)}, {"coverage": 1 - (1 - 10 / NUM_ITEMS) ** 4})
