"""Cold items and users: without any event, or met for the first time in a held-out window."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.config import SplitConfig
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID
from feature_pipeline.splits import TEST, TRAIN, VALIDATION, assign_split


@dataclass(frozen=True)
class Part:
    """One part of the split.

    Attributes:
        name: `train`, `validation` or `test`.
        events: its number of events.
        share: the same by all events, 0 to 1.
        first: time of its first event.
        last: time of its last event.
        unseen: by `item_id` and `user_id`, the share of its events whose item or user has no training event.
    """

    name: str
    events: int
    share: float
    first: pd.Timestamp
    last: pd.Timestamp
    unseen: dict[str, float]


def describe_split(interactions: pd.DataFrame, config: SplitConfig) -> list[Part]:
    """Describes train, validation and test.

    Args:
        interactions: `user_id, item_id, event_time, event_order`.
        config: which split, and its shares.

    Raises:
        SplitError: a part has no events; the message names the setting to change.
    """
    names = assign_split(interactions, config)
    unseen = {key: _find_unseen(interactions[key], names == TRAIN) for key in (ITEM_ID, USER_ID)}
    parts = []
    for name in (TRAIN, VALIDATION, TEST):
        chosen = names == name
        times = interactions.loc[chosen, EVENT_TIME]
        shares = {key: float(rows[chosen].mean()) for key, rows in unseen.items()}
        parts.append(Part(name, len(times), float(chosen.mean()), times.min(), times.max(), shares))
    return parts


def _find_unseen(ids: pd.Series, is_train: np.ndarray) -> np.ndarray:
    """Whose id has no training event [num_events] bool."""
    codes, distinct = pd.factorize(ids)
    seen = np.zeros(len(distinct), bool)
    seen[codes[is_train]] = True
    return ~seen[codes]
