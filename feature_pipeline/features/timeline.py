"""All events in the order of each user's life, found by user, by item, and by moment."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Arrays, read_arrays, take_rows, write_arrays
from feature_pipeline.features.facts import FROM_ITEM, STEPS_BACK
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID

_COLUMNS = "columns"
_PLACES = "places"


@dataclass(frozen=True)
class Timeline:
    """Events ordered by user, time and order.

    Attributes:
        columns: `user_id, item_id, event_time, event_order` and what else there is [num_events] int64 each,
            see `number_events`.
        users: who has events, ascending [num_users] int64.
        starts: where the events of each begin, and at last where they end [num_users + 1] int64.
        by_item: places of all events in the order of their items [num_events] int64.
    """

    columns: Arrays
    users: np.ndarray
    starts: np.ndarray
    by_item: np.ndarray

    def __len__(self) -> int:
        return len(self.columns[USER_ID])

    @cached_property
    def last_time(self) -> int:
        """When the last of all events happened, in microseconds."""
        return int(self.columns[EVENT_TIME].max(initial=0))

    def find_span(self, user: int) -> slice:
        """Where the events of a user stand."""
        place = int(np.searchsorted(self.users, user))
        if place == len(self.users) or self.users[place] != user:
            return slice(0, 0)
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def find_before(self, user: int, as_of: int, as_of_order: int) -> slice:
        """Where the user's events before the moment stand; the order decides at the very instant."""
        own = self.find_span(user)
        times = self.columns[EVENT_TIME][own]
        before, until = np.searchsorted(times, as_of), np.searchsorted(times, as_of, side="right")
        if until > before:
            orders = self.columns[EVENT_ORDER][own][before:until]
            before += np.searchsorted(orders, as_of_order)
        return slice(own.start, own.start + int(before))

    def find_users(self, users: np.ndarray) -> np.ndarray:
        """Places of all events of some users [num_found] int64."""
        spans = [self.find_span(int(user)) for user in users]
        return np.concatenate([np.empty(0, np.int64), *(np.arange(s.start, s.stop) for s in spans)])

    def find_items(self, items: np.ndarray) -> np.ndarray:
        """Places of all events with some items [num_found] int64."""
        order, starts = self.by_item, self._item_starts
        kept = items[(items >= 0) & (items < len(starts) - 1)]
        return np.concatenate([np.empty(0, np.int64), *(order[starts[i] : starts[i + 1]] for i in kept)])

    @cached_property
    def _item_starts(self) -> np.ndarray:
        items = self.columns[ITEM_ID][self.by_item]
        starts: np.ndarray = np.searchsorted(items, np.arange(items.max(initial=-1) + 2))
        return starts

    def take(self, places: np.ndarray) -> Arrays:
        """The events at these places."""
        return take_rows(self.columns, places)

    def find_steps(self, places: np.ndarray, reach: int) -> Arrays:
        """Finds which items stand near those at some places, in the same user's history.

        Args:
            places: where the steps are taken from [num_places] int64.
            reach: how many events apart at most.

        Returns:
            `from_item, item_id, event_time` (of the later of the two) and `steps_back`: how many events the
            first stands before the second, negative where it stands after. In no order, all int64.
        """
        user, item, time = (self.columns[name] for name in (USER_ID, ITEM_ID, EVENT_TIME))
        parts = [np.empty((4, 0), np.int64)]
        for steps in range(1, reach + 1):
            before = places[places + steps < len(user)]
            before = before[user[before] == user[before + steps]]
            after = places[places >= steps]
            after = after[user[after] == user[after - steps]]
            for first, second, back in ((before, before + steps, steps), (after, after - steps, -steps)):
                later = np.maximum(first, second)
                parts.append(np.stack([item[first], item[second], time[later], np.full(len(first), back)]))
        names = (FROM_ITEM, ITEM_ID, EVENT_TIME, STEPS_BACK)
        return dict(zip(names, np.concatenate(parts, axis=1), strict=True))


def order_events(events: Arrays | pd.DataFrame) -> Timeline:
    """Puts events in order.

    Args:
        events: see `Timeline.columns`, in any order.
    """
    columns = {str(name): np.asarray(values) for name, values in events.items()}
    order = np.lexsort([columns[name] for name in (EVENT_ORDER, EVENT_TIME, USER_ID)])
    columns = take_rows(columns, order)
    users, starts = np.unique(columns[USER_ID], return_index=True)
    by_item = np.argsort(columns[ITEM_ID], kind="stable")
    return Timeline(columns, users, np.append(starts, len(order)), by_item)


def write_timeline(timeline: Timeline, folder: Path) -> None:
    """Writes arrays that many processes can map into their memory."""
    places = {"users": timeline.users, "starts": timeline.starts, "by_item": timeline.by_item}
    write_arrays(folder / _PLACES, places)
    write_arrays(folder / _COLUMNS, timeline.columns)


def read_timeline(folder: Path) -> Timeline:
    """Reads what `write_timeline` wrote, memory-mapped."""
    return Timeline(read_arrays(folder / _COLUMNS), **read_arrays(folder / _PLACES))
