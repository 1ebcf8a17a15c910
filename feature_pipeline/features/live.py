"""Events that go on: all that stood when a model was published, and what has happened since.

Nothing here changes; `add` gives another object, so that threads read on while events come in.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.frames import Frame, Rows
from feature_pipeline.engine.memory.states import LayeredStates, States, is_among, order_states
from feature_pipeline.features.facts import FROM_ITEM
from feature_pipeline.features.numbered import number_queries
from feature_pipeline.features.standing import OWNERS, StandingStep, read_states, write_states
from feature_pipeline.features.timeline import Timeline, order_events, read_timeline, write_timeline
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID

# Where an event stands in the table of interactions, -1 for those that happened since.
PLACE = "place"

_STATES = "states"
_EVENTS = "events"


@dataclass(frozen=True)
class Standing:
    """What stood when a model was published, in arrays that many processes share.

    Attributes:
        timeline: all events, users and items by number.
        states: of all keys, by the name of their step.
    """

    timeline: Timeline
    states: Mapping[str, States]

    def write(self, folder: Path) -> None:
        """Writes the arrays."""
        write_timeline(self.timeline, folder / _EVENTS)
        write_states(self.states, folder / _STATES)

    @classmethod
    def read(cls, folder: Path) -> "Standing":
        """Maps what `write` wrote into memory."""
        return cls(read_timeline(folder / _EVENTS), read_states(folder / _STATES))


def build_standing(
    events: pd.DataFrame, steps: Mapping[str, StandingStep], values: Mapping[str, pd.DataFrame], reach: int
) -> Standing:
    """Computes the states of all keys.

    Args:
        events: in whole numbers, see `number_events`; in any order.
        steps: by name, see `find_standing`.
        values: what describes the items, see `list_described`.
        reach: how many events apart the steps between items stand at most.
    """
    timeline = order_events(events.assign(**{PLACE: np.arange(len(events))}))
    everything = np.arange(len(timeline))
    of_all = timeline.take(everything)
    tables = {"of_user": of_all, "of_item": of_all, "steps": timeline.find_steps(everything, reach)}
    return Standing(
        timeline, {name: step.compute(read_frames(tables, values)) for name, step in steps.items()}
    )


class LiveEvents:
    """What stood, and what happened since.

    Args:
        standing: what stood.
        users: ids of the users by their number.
        steps: by name, see `find_standing`.
        values: what describes the items, see `list_described`.
        reach: how many events apart the steps between items stand at most.

    Attributes:
        states: of all keys, as of all events.
    """

    def __init__(
        self,
        standing: Standing,
        users: pd.Index,
        steps: Mapping[str, StandingStep],
        values: Mapping[str, pd.DataFrame],
        reach: int,
    ):
        self.states: Mapping[str, States | LayeredStates] = standing.states
        self._standing = standing.timeline
        self._users = users
        self._newcomers: Mapping[str, int] = {}
        self._steps = steps
        self._values = values
        self._reach = reach
        columns = {name: values[:0] for name, values in standing.timeline.columns.items()}
        # Everything that ever happened to those to whom something happened since.
        self._fresh = order_events(pd.DataFrame(columns))
        self._next_order = int(standing.timeline.columns[EVENT_ORDER].max(initial=-1)) + 1

    def number(self, queries: pd.DataFrame) -> pd.DataFrame:
        """See `Events.number`."""
        return number_queries(queries, self.number_users(queries[USER_ID]))

    def number_users(self, user_ids: Iterable[str]) -> np.ndarray:
        """Numbers of users [num_ids] int64, -1 for those of whom nothing is known."""
        ids = list(user_ids)
        numbers = self._users.get_indexer(pd.Index(ids, dtype="str"))
        for place in np.flatnonzero(numbers < 0):
            numbers[place] = self._newcomers.get(ids[place], -1)
        return numbers

    def find_recent(self, asked: pd.DataFrame, length: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events.find_recent`."""
        items = np.full((len(asked), length), -1, np.int64)
        times = np.zeros((len(asked), length), np.int64)
        columns = (asked[name].to_numpy() for name in (USER_ID, AS_OF, AS_OF_ORDER))
        for query, (user, as_of, as_of_order) in enumerate(zip(*columns, strict=True)):
            timeline, before = self.find_before(user, as_of, as_of_order)
            found = slice(max(before.start, before.stop - length), before.stop)
            count = found.stop - found.start
            items[query, length - count :] = timeline.columns[ITEM_ID][found]
            times[query, length - count :] = timeline.columns[EVENT_TIME][found]
        return items, times

    def find_before(self, user: int, as_of: int, as_of_order: int) -> tuple[Timeline, slice]:
        """Where the user's events before the moment stand, see `Timeline.find_before`."""
        timeline = self._choose(user)
        return timeline, timeline.find_before(user, as_of, as_of_order)

    @property
    def last_time(self) -> int:
        """When the last event of all happened, in microseconds."""
        return max(int(t.columns[EVENT_TIME].max(initial=0)) for t in (self._standing, self._fresh))

    def find_last_times(self, user_ids: Iterable[str]) -> np.ndarray:
        """When each user's last event happened [num_ids] int64 microseconds, -1 without any."""
        found = [self._list_all(user) for user in self.number_users(user_ids)]
        return np.array(
            [
                events.columns[EVENT_TIME][own.stop - 1] if own.stop > own.start else -1
                for events, own in found
            ]
        )

    def find_last_places(self, queries: pd.DataFrame) -> np.ndarray:
        """Where each query's latest event stands in the table [num_queries] int64, -1 for none."""
        places = []
        for timeline, before in self._find_all_before(self.number(queries)):
            standing = timeline.columns[PLACE][before]
            standing = standing[standing >= 0]
            places.append(standing[-1] if len(standing) else -1)
        return np.array(places, np.int64)

    def find_met(self, queries: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """What each query's user has met before it: rows of queries, and items [num_met] int64 each."""
        met = [
            timeline.columns[ITEM_ID][before]
            for timeline, before in self._find_all_before(self.number(queries))
        ]
        query = np.repeat(np.arange(len(met)), [len(items) for items in met])
        return query, np.concatenate([np.empty(0, np.int64), *met])

    def list_events(self, user_id: str, as_of: np.datetime64 | None) -> dict[str, np.ndarray]:
        """The user's events before the moment, in their order, by column; all where it is None."""
        (user,) = self.number_users([user_id])
        timeline, own = self._list_all(user)
        if as_of is not None:
            own = timeline.find_before(user, int(as_of.astype(np.int64)), -1)
        return {name: values[own] for name, values in timeline.columns.items()}

    def _find_all_before(self, asked: pd.DataFrame) -> list[tuple[Timeline, slice]]:
        columns = (asked[name].to_numpy() for name in (USER_ID, AS_OF, AS_OF_ORDER))
        return [self.find_before(*query) for query in zip(*columns, strict=True)]

    def _list_all(self, user: int) -> tuple[Timeline, slice]:
        timeline = self._choose(user)
        return timeline, timeline.find_span(user)

    def _choose(self, user: int) -> Timeline:
        """Where all events of a user stand."""
        return self._fresh if is_among(np.array([user]), self._fresh.users)[0] else self._standing

    def find_source(self, name: str, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """See `Events.find_source`."""
        asked = {"of_user": ("asked", USER_ID), "of_item": ("rows", ITEM_ID), "steps": ("recent", FROM_ITEM)}
        table, key = asked[name]
        return self._find_events(name, np.unique(tables[table][key].to_numpy()))

    def compute_vectors(self, asked: pd.DataFrame) -> dict[str, np.ndarray]:
        """See `Events.compute_vectors`: what happens here leaves nothing behind."""
        return {}

    def add(self, events: pd.DataFrame, of_items: bool = True) -> "LiveEvents":
        """What stood and what happened, and these events besides.

        Args:
            events: `user_id`, `item_id` (position), `event_time` (datetime64, UTC), `weight` (millionths);
                they come after all others of the same instant. Users may be new.
            of_items: whether they count for the items, too; not for what is only imagined.
        """
        other = copy(self)
        other._newcomers = self._number_newcomers(events[USER_ID])
        orders = self._next_order + np.arange(len(events))
        times = events[EVENT_TIME].to_numpy().astype("datetime64[us]").astype(np.int64)
        users_of = other.number_users(events[USER_ID])
        since = {USER_ID: users_of, EVENT_TIME: times, EVENT_ORDER: orders, PLACE: np.full(len(events), -1)}
        happened = events.assign(**since)[list(self._standing.columns)]
        other._next_order += len(events)
        users = np.unique(users_of)
        earlier = self._standing.find_users(users[~is_among(users, self._fresh.users)])
        parts = [self._fresh.take(np.arange(len(self._fresh))), self._standing.take(earlier), happened]
        other._fresh = order_events(pd.concat(parts, ignore_index=True))
        owners = {"of_user": users}
        if of_items:
            new = np.flatnonzero(other._fresh.columns[EVENT_ORDER] >= self._next_order)
            owners["of_item"] = np.unique(happened[ITEM_ID])
            owners["steps"] = np.unique(other._fresh.find_steps(new, self._reach)[ITEM_ID])
            owners["steps"] = np.union1d(owners["steps"], owners["of_item"])
        other.states = other._renew(owners)
        return other

    def _number_newcomers(self, user_ids: pd.Series) -> dict[str, int]:
        numbers = dict(self._newcomers)
        for user_id in user_ids[self.number_users(user_ids) < 0].unique():
            numbers[user_id] = len(self._users) + len(numbers)
        return numbers

    def _renew(self, owners: Mapping[str, np.ndarray]) -> Mapping[str, States | LayeredStates]:
        """The states, with those of the owners made anew."""
        tables = {source: self._find_events(source, numbers) for source, numbers in owners.items()}
        renewed = dict(self.states)
        for name, step in self._steps.items():
            if step.source in owners:
                computed = step.compute(read_frames(tables, self._values))
                renewed[name] = _replace(self.states[name], step, owners[step.source], computed)
        return renewed

    def _find_events(self, source: str, owners: np.ndarray) -> pd.DataFrame:
        """All events, or steps, of some owners."""
        parts = []
        for timeline in (self._standing, self._fresh):
            find = timeline.find_users if source == "of_user" else timeline.find_items
            places = find(owners)
            if timeline is self._standing:
                places = places[~is_among(timeline.columns[USER_ID][places], self._fresh.users)]
            of_steps = source == "steps"
            parts.append(timeline.find_steps(places, self._reach) if of_steps else timeline.take(places))
        return pd.concat(parts, ignore_index=True)


def read_frames(*tables: Mapping[str, pd.DataFrame]) -> dict[str, Frame]:
    """Tables as the interpreter reads them."""
    return {
        name: Rows({str(column): Column(values.to_numpy()) for column, values in table.items()}, len(table))
        for given in tables
        for name, table in given.items()
    }


def _replace(
    states: States | LayeredStates, step: StandingStep, owners: np.ndarray, computed: States
) -> LayeredStates:
    """The states, with all of some owners as they were computed anew."""
    if isinstance(states, States):
        return LayeredStates(states, computed, owners)
    kept = ~is_among(states.fresh.columns[OWNERS[step.source]], owners)
    columns = {
        name: Column(np.concatenate([values[kept], computed.columns[name]]))
        for name, values in states.fresh.columns.items()
    }
    fresh = order_states(columns, step.key, step.instant)
    return LayeredStates(states.standing, fresh, np.union1d(states.owners, owners))
