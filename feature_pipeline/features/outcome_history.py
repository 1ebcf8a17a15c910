"""What a user's earlier events left behind: the mean embedding of their reviews, for the query tower.

A review is known only after its event, so that a query reads those of strictly earlier events and never the
one that belongs to its own target.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, find_recent_events
from feature_pipeline.schema import USER_ID, FeatureSpec

LAST = 10

# Before all events of the very instant.
FIRST_ORDER = -1
_QUERIES_AT_ONCE = 10_000


def build_specs(outcomes: Iterable[str]) -> list[FeatureSpec]:
    """Specs of the history columns, from the embedding columns of the events, as `review_embedding`."""
    return [FeatureSpec(name_history(outcome), "query", "embedding") for outcome in outcomes]


def name_history(outcome: str) -> str:
    """`review_embedding` -> `review_history_embedding`."""
    return outcome.removesuffix("_embedding") + "_history_embedding"


def compute(
    queries: pd.DataFrame, events: pd.DataFrame, vectors: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Computes the mean over the user's last `LAST` earlier events that left something behind.

    Args:
        queries: `user_id`, `as_of` (int64 microseconds).
        events: `user_id, event_time, event_order`, in any order.
        vectors: embeddings of what each event left [num_events, dim] float32 by column; zero where nothing.

    Returns:
        History column -> [num_queries, dim] float32, zero where there is none.
    """
    return {name_history(name): _compute_means(queries, events, values) for name, values in vectors.items()}


def _compute_means(queries: pd.DataFrame, events: pd.DataFrame, vectors: np.ndarray) -> np.ndarray:
    means = np.zeros((len(queries), vectors.shape[1]), np.float32)
    left = np.flatnonzero(vectors.any(axis=1))
    if not len(left):
        return means
    asked = queries[[USER_ID, AS_OF]].assign(**{AS_OF_ORDER: FIRST_ORDER})
    # The extra one at the end is where the padding, -1, points.
    found = np.append(left, -1)[find_recent_events(asked, events.iloc[left], LAST)]
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = slice(start, start + _QUERIES_AT_ONCE)
        means[block] = compute_means(vectors, found[block])
    return means


def compute_means(vectors: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Means of what some events left behind [num_queries, dim] float32, zero for no events.

    Args:
        vectors: of each event [num_events, dim] float32.
        found: places of each query's events [num_queries, LAST] int64, oldest first, -1 pads in front.
    """
    is_there = (found >= 0)[..., None]
    total = np.where(is_there, vectors[found], 0).sum(axis=1)
    means: np.ndarray = (total / np.maximum(is_there.sum(axis=1), 1)).astype(np.float32)
    return means
