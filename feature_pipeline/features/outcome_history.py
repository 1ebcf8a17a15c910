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
_FIRST_ORDER = -1
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
    asked = queries[[USER_ID, AS_OF]].assign(**{AS_OF_ORDER: _FIRST_ORDER})
    found = find_recent_events(asked, events.iloc[left], LAST)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = found[start : start + _QUERIES_AT_ONCE]
        is_there = (block >= 0)[..., None]
        total = np.where(is_there, vectors[left[block]], 0).sum(axis=1)
        means[start : start + len(block)] = total / np.maximum(is_there.sum(axis=1), 1)
    return means
