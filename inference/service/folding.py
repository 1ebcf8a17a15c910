"""Which events of the log count for a model, and for how much."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from feature_pipeline.events import Event
from feature_pipeline.events.event import to_microseconds
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, WEIGHT

# An undo counts only for events of the same user, so that nobody takes back what another did.
_Key = tuple[str, str]


class Folding:
    """The events of the log that count, as far as it was read.

    Those count that happened after the model's newest event (the others it was trained on, or will be), whose
    type has a weight, and that no undo takes back, wherever in the log that stands. An undo cannot be undone.

    Args:
        weights: by event type.
        newest: when the model's newest event happened, microseconds since 1970 UTC.
    """

    def __init__(self, weights: Mapping[str, float], newest: int) -> None:
        self._weights = weights
        self._newest = newest
        self._counted: dict[_Key, Event] = {}
        self._undone: set[_Key] = set()

    def fold(self, events: Iterable[Event]) -> tuple[list[Event], bool]:
        """Takes in the next events of the log.

        Returns:
            Those of them that count, and whether others that counted before do no longer.
        """
        batch = list(events)
        undone = {(event.user_id, event.undoes) for event in batch if event.undoes is not None}
        self._undone |= undone
        taken_back = undone & self._counted.keys()
        for key in taken_back:
            del self._counted[key]
        fresh = {_identify(event): event for event in batch if self._counts(event)}
        self._counted |= fresh
        return list(fresh.values()), bool(taken_back)

    def build_frame(self, events: Sequence[Event] | None = None) -> pd.DataFrame:
        """Events, by default all that count, as `Recommender.add_events` takes them."""
        chosen = list(self._counted.values()) if events is None else events
        times = np.array([to_microseconds(event.event_time) for event in chosen], np.int64)
        return pd.DataFrame(
            {
                USER_ID: pd.Series([event.user_id for event in chosen], dtype="str"),
                ITEM_ID: pd.Series([event.item_id for event in chosen], dtype="str"),
                EVENT_TIME: times.astype("datetime64[us]"),
                WEIGHT: np.array([self._weights[event.event_type] for event in chosen], np.float64),
            }
        )

    def _counts(self, event: Event) -> bool:
        return (
            event.event_type in self._weights
            and to_microseconds(event.event_time) > self._newest
            and _identify(event) not in self._undone
        )


def _identify(event: Event) -> _Key:
    return event.user_id, event.event_id
