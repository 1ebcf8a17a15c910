"""How much an index misses."""

import numpy as np

from inference.index.exact import ExactIndex
from inference.index.index import Index


def compute_recall(index: Index, exact: ExactIndex, queries: np.ndarray, k: int) -> float:
    """The share of the exact `k` best items that an index finds among its `k`, mean over queries.

    Where there is nothing to find, nothing is missed.

    Args:
        index: which may miss some.
        exact: over the same items.
        queries: [num_queries, dim] float32, at least one.
        k: how many items are wanted.
    """
    expected = exact.search(queries, k).items
    found = index.search(queries, k).items
    shares = []
    for best, own in zip(expected, found, strict=True):
        best = best[best >= 0]
        shares.append(1 - np.isin(best, own, invert=True).sum() / max(1, len(best)))
    return float(np.mean(shares))
