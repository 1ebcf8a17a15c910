"""What a feature store says of the feedback that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.config import Strict

FOLDED = "feedback:"
"""Stands before the type of an event that came from the log: `feedback:like`."""


class FeedbackRecord(Strict):
    """How far each log was folded, and what it counts.

    Attributes:
        weight: in the column `weight`, of every event of the log: the median of the data set's own.
        strengths: how much an event teaches, by type; those of the data set teach 1.
        last_event: sequence number of the last event that was read, 0 for none.
        last_event_id: its event_id: the log of another place may have the number, too.
        last_user: sequence number of the last change of the user log.
        last_item: sequence number of the last change of the item log.
        events: how many events were folded, by type.
        users: how many users were added.
        items: how many items were added.
    """

    weight: float = 1.0
    strengths: Mapping[str, float] = {}
    last_event: int = 0
    last_event_id: str | None = None
    last_user: int = 0
    last_item: int = 0
    events: Mapping[str, int] = {}
    users: int = 0
    items: int = 0

    @classmethod
    def read(cls, manifest: Mapping[str, Any]) -> "FeedbackRecord":
        """Of a store's manifest; a store from before there was feedback holds none."""
        return cls.model_validate(manifest.get("feedback", {}))

    def weigh(self, event_types: pd.Series) -> np.ndarray:
        """How much events teach [num_events] float32, by their `event_type`."""
        strengths = {FOLDED + name: strength for name, strength in self.strengths.items()}
        return event_types.map(strengths).fillna(1.0).to_numpy(np.float32)


@dataclass(frozen=True)
class HeldEvents:
    """The events that a store holds: read when it was built, and of users and items that it knows.

    The others that were read then lie in its quarantine, and may count elsewhere.

    Attributes:
        last: sequence number of the last event that was read.
        user_ids: the store's users.
        item_ids: the store's items.
    """

    last: int
    user_ids: frozenset[str]
    item_ids: frozenset[str]

    def holds(self, sequence: int, event: Any) -> bool:
        """See `Held`."""
        return sequence <= self.last and event.user_id in self.user_ids and event.item_id in self.item_ids
