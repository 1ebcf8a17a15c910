"""Ranking metrics of each query, from the ranks of its relevant items.

All accuracy metrics count a *hit* at k where the 0-based rank is below k. Ranks may be fractional (average of
ties), so relevant items that tie with each other can share one rank below k; at most k of them count as hits,
which keeps every metric within [0, 1]. Notation: r are 0-based ranks, n is the number of relevant items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CUTOFFS = (5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class RankedRelevance:
    """The relevant items of every query in ascending order of rank.

    Attributes:
        ranks: `[num_pairs] float64`, 0-based ranks, ascending within each query.
        places: `[num_pairs] int64`, each item's 0-based place among its query's relevant items.
        starts: `[num_queries] int64`, where each query's items begin.
        sizes: `[num_queries] int64`, the number of relevant items of each query.
    """

    ranks: Floats
    places: Indices
    starts: Indices
    sizes: Indices

    def sum_hits(self, gains: Floats, k: int) -> Floats:
        """Sum `gains` `[num_pairs]` over each query's hits at k, `[num_queries] float64`."""
        hit = (self.ranks < k) & (self.places < k)
        return np.add.reduceat(np.where(hit, gains, 0.0), self.starts)

    def count_hits(self, k: int) -> Floats:
        """Count each query's hits at k, `[num_queries] float64`."""
        return self.sum_hits(np.ones_like(self.ranks), k)


def compute_hit_rate(relevance: RankedRelevance, k: int) -> Floats:
    """HR@k = 1 if any relevant item is a hit, else 0 (Deshpande and Karypis, 2004)."""
    return np.minimum(relevance.count_hits(k), 1.0)


def compute_ndcg(relevance: RankedRelevance, k: int) -> Floats:
    """NDCG@k = sum over hits of 1/log2(r+2), over its best value, which has min(k, n) hits at ranks 0, 1, ...

    Binary gains (Järvelin and Kekäläinen, 2002).
    """
    gained = relevance.sum_hits(1 / np.log2(relevance.ranks + 2), k)
    ideal_at = np.cumsum(1 / np.log2(np.arange(k) + 2))
    ideal: Floats = ideal_at[np.minimum(relevance.sizes, k) - 1]
    return gained / ideal


def compute_map(relevance: RankedRelevance, k: int) -> Floats:
    """MAP@k = 1/min(k, n) times the sum over hits of i/(r+1), the i-th at rank r (Manning et al., 2008)."""
    precision_at_hit = (relevance.places + 1) / (relevance.ranks + 1)
    return relevance.sum_hits(precision_at_hit, k) / np.minimum(relevance.sizes, k)


def compute_precision(relevance: RankedRelevance, k: int) -> Floats:
    """precision@k = hits / k (Herlocker et al., 2004)."""
    return relevance.count_hits(k) / k


def compute_recall(relevance: RankedRelevance, k: int) -> Floats:
    """recall@k = hits / n (Herlocker et al., 2004)."""
    return relevance.count_hits(k) / relevance.sizes


def compute_f1(relevance: RankedRelevance, k: int) -> Floats:
    """F1@k = 2 hits / (k + n), the harmonic mean of precision and recall (van Rijsbergen, 1979)."""
    return 2 * relevance.count_hits(k) / (k + relevance.sizes)


METRICS: dict[str, Callable[[RankedRelevance, int], Floats]] = {
    "HR": compute_hit_rate,
    "NDCG": compute_ndcg,
    "MAP": compute_map,
    "precision": compute_precision,
    "recall": compute_recall,
    "F1": compute_f1,
}


def compute_metrics(
    ranks: Floats, relevant_indptr: np.ndarray, cutoffs: Sequence[int] = CUTOFFS
) -> dict[str, Floats]:
    """Compute every accuracy metric of every query.

    Args:
        ranks: `[num_pairs] float64`, 0-based ranks of all relevant items, query after query.
        relevant_indptr: `[num_queries + 1] int`, where each query's ranks begin and end; none is empty.
        cutoffs: The k of "at k".

    Returns:
        "MRR" = 1/(r+1) of the best rank, without cutoff (Voorhees, 1999), then "HR@k", "NDCG@k" and so on for
        each of `METRICS` and `cutoffs`; each `[num_queries] float64` in [0, 1], higher is better.

    Raises:
        ValueError: A query has no relevant item, the lengths disagree, a rank is negative or NaN, or a cutoff
            is below 1.
    """
    if any(k < 1 for k in cutoffs):
        raise ValueError(f"cutoffs: expected list lengths of at least 1, got {list(cutoffs)}")
    relevance = _sort_by_rank(ranks, np.asarray(relevant_indptr, dtype=np.int64))
    values = {"MRR": 1 / (relevance.ranks[relevance.starts] + 1)}
    return values | {f"{name}@{k}": metric(relevance, k) for name, metric in METRICS.items() for k in cutoffs}


def _sort_by_rank(ranks: Floats, indptr: Indices) -> RankedRelevance:
    sizes = np.diff(indptr)
    if (sizes < 1).any():
        raise ValueError(
            f"relevant_indptr: expected at least one relevant item a query, got none in {(sizes < 1).sum()} "
            f"queries (first: query {(sizes < 1).argmax()}); drop those queries"
        )
    if ranks.shape != (indptr[-1],):
        raise ValueError(
            f"ranks: expected shape [{indptr[-1]}] as relevant_indptr ends, got {list(ranks.shape)}"
        )
    if not (ranks >= 0).all():
        raise ValueError(
            f"ranks: expected numbers at or above 0, got {ranks[~(ranks >= 0)][0]}; use compute_ranks"
        )
    starts = indptr[:-1]
    order = np.lexsort((ranks, np.repeat(np.arange(sizes.size), sizes)))
    return RankedRelevance(ranks[order], np.arange(ranks.size) - np.repeat(starts, sizes), starts, sizes)
