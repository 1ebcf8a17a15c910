"""Which events of the log count: one rule, by which features learn from it and serving follows it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from feature_pipeline.events import Event
from feature_pipeline.events.event import to_microseconds
from feature_pipeline.schema import EVENT_TIME, EVENT_TYPE, ITEM_ID, USER_ID

SEQUENCE = "sequence"

# An undo counts only for events of the same user, so that nobody takes back what another did.
_Key = tuple[str, str]


class Held(Protocol):
    """What a store holds of the log already."""

    def holds(self, sequence: int, event: Event) -> bool:
        """Whether the event was folded into the store, and counts by that."""


class Nothing:
    """No event is held anywhere."""

    def holds(self, sequence: int, event: Event) -> bool:
        """See `Held`."""
        return False


class Folding:
    """The events of the log that count, as far as it was read.

    Those count whose type and provenance do, that no store holds already, and that no undo takes back,
    wherever in the log that stands. Each counts for itself: who clicks on an item and then likes it has done
    two things. An undo cannot be undone.

    Args:
        types: event types that count.
        provenance: whose events count: `human`, `simulated`, `imported`. An undo counts always.
        held: what counts elsewhere.
    """

    def __init__(self, types: Collection[str], provenance: Collection[str], held: Held | None = None) -> None:
        self._types = frozenset(types)
        self._provenance = frozenset(provenance)
        self._held: Held = held or Nothing()
        self._counted: dict[_Key, tuple[int, Event]] = {}
        self._undone: set[_Key] = set()

    def fold(self, events: Iterable[tuple[int, Event]]) -> tuple[list[tuple[int, Event]], bool]:
        """Takes in the next events of the log.

        Args:
            events: with their sequence numbers.

        Returns:
            Those of them that count, and whether others that counted before do no longer.
        """
        batch = list(events)
        undone = {(event.user_id, event.undoes) for _, event in batch if event.undoes is not None}
        self._undone |= undone
        taken_back = undone & self._counted.keys()
        for key in taken_back:
            del self._counted[key]
        fresh = {
            _identify(event): (sequence, event) for sequence, event in batch if self._counts(sequence, event)
        }
        self._counted |= fresh
        return list(fresh.values()), bool(taken_back)

    def build_frame(self, events: Sequence[tuple[int, Event]] | None = None) -> pd.DataFrame:
        """Events, by default all that count: `user_id, item_id, event_time, event_type, sequence`."""
        numbered = list(self._counted.values()) if events is None else events
        chosen = [event for _, event in numbered]
        times = np.array([to_microseconds(event.event_time) for event in chosen], np.int64)
        return pd.DataFrame(
            {
                USER_ID: pd.Series([event.user_id for event in chosen], dtype="str"),
                ITEM_ID: pd.Series([event.item_id for event in chosen], dtype="str"),
                EVENT_TIME: times.astype("datetime64[us]"),
                EVENT_TYPE: pd.Series([event.event_type for event in chosen], dtype="str"),
                SEQUENCE: np.array([sequence for sequence, _ in numbered], np.int64),
            }
        )

    def _counts(self, sequence: int, event: Event) -> bool:
        return (
            event.event_type in self._types
            and event.provenance in self._provenance
            and _identify(event) not in self._undone
            and not self._held.holds(sequence, event)
        )


def _identify(event: Event) -> _Key:
    return event.user_id, event.event_id
