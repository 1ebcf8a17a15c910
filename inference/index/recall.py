"""How much an index misses, and whether that is too much."""

from dataclasses import dataclass

import numpy as np

from feature_pipeline.errors import UserError
from inference.index.exact import ExactIndex
from inference.index.index import Index
from inference.index.scann import ScannIndex
from training_pipeline.index_config import ScannConfig

LENGTH = 100


class RecallError(UserError):
    """An index misses too much; the message says how much."""


@dataclass(frozen=True)
class Recall:
    """How much of the best an index finds.

    Attributes:
        queries: how many were asked.
        length: of the exact lists that are looked for.
        share: of their items that were found, mean over queries.
    """

    queries: int
    length: int
    share: float


def measure_recall(item_embeddings: np.ndarray, config: ScannConfig, queries: np.ndarray) -> Recall:
    """Builds the index and asks it.

    Args:
        item_embeddings: [num_items, dim] float32.
        config: of the index.
        queries: [num_queries, dim] float32, at least one.

    Raises:
        RecallError: the index finds less than `config.min_recall`.
    """
    exact, index = ExactIndex(item_embeddings), ScannIndex(item_embeddings, config)
    recall = Recall(len(queries), LENGTH, compute_recall(index, exact, queries, LENGTH))
    if recall.share < config.min_recall:
        raise RecallError(
            f"index={config.name}: expected recall@{LENGTH} of at least {config.min_recall}, found "
            f"{recall.share:.4f} for {recall.queries} queries. Remedy: search more of the leaves "
            f"(index.leaves_to_search; {index.leaves_to_search} of {index.num_leaves} now), or index=exact"
        )
    return recall


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
