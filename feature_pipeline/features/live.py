"""Events that go on: all that stood when a model was published, and what has happened since.

Nothing here changes; `add` gives another object, so that threads read on while events come in.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Arrays, Table
from feature_pipeline.engine.memory.layers import LayeredStates
from feature_pipeline.engine.memory.states import States
from feature_pipeline.features import outcome_history
from feature_pipeline.features.facts import FROM_ITEM
from feature_pipeline.features.layered_timeline import LayeredTimeline
from feature_pipeline.features.numbered import number_queries
from feature_pipeline.features.standing import StandingStep, read_states, write_states
from feature_pipeline.features.timeline import Timeline, order_events, read_timeline, write_timeline
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, to_microseconds
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID

# Where an event stands in the table of interactions, -1 for those that happened since.
PLACE = "place"

_STATES = "states"
_EVENTS = "events"
# Whose events each source holds: a column of which table.
_ASKED = {"of_user": ("asked", USER_ID), "of_item": ("rows", ITEM_ID), "steps": ("recent", FROM_ITEM)}


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
    events: Arrays | pd.DataFrame, steps: Mapping[str, StandingStep], values: Mapping[str, Arrays], reach: int
) -> Standing:
    """Computes the states of all keys.

    Args:
        events: in whole numbers, see `number_events`; in any order.
        steps: by name, see `find_standing`.
        values: what describes the items, see `list_described`.
        reach: how many events apart the steps between items stand at most.
    """
    places = {PLACE: np.arange(len(events[EVENT_TIME]))}
    timeline = order_events({**{str(name): np.asarray(v) for name, v in events.items()}, **places})
    near = timeline.find_steps(np.arange(len(timeline)), reach)
    tables = {**values, "of_user": timeline.columns, "of_item": timeline.columns, "steps": near}
    return Standing(timeline, {name: step.compute(tables) for name, step in steps.items()})


class LiveEvents:
    """What stood, and what happened since.

    Args:
        standing: what stood.
        users: ids of the users by their number.
        steps: by name, see `find_standing`.
        values: what describes the items, see `list_described`.
        reach: how many events apart the steps between items stand at most.
        outcomes: embeddings of what each standing event left behind [num_events, dim] float32 by column, in
            the order of their table.

    Attributes:
        states: of all keys, as of all events.
    """

    def __init__(
        self,
        standing: Standing,
        users: Iterable[str],
        steps: Mapping[str, StandingStep],
        values: Mapping[str, Arrays],
        reach: int,
        outcomes: Mapping[str, np.ndarray],
    ):
        self.states = {name: LayeredStates((states,)) for name, states in standing.states.items()}
        # What counts for items may be less than what counts for users, see `add`.
        self._of_users = self._of_items = LayeredTimeline((standing.timeline,))
        self._users = {user_id: number for number, user_id in enumerate(users)}
        self._newcomers: Mapping[str, int] = {}
        self._steps = steps
        self._values = values
        self._reach = reach
        self._outcomes = outcomes
        self._next_order = int(standing.timeline.columns[EVENT_ORDER].max(initial=-1)) + 1

    def number(self, queries: pd.DataFrame | Table) -> Arrays:
        """See `Events.number`."""
        return number_queries(queries, self.number_users(queries[USER_ID]))

    def number_users(self, user_ids: Iterable[str]) -> np.ndarray:
        """Numbers of users [num_ids] int64, -1 for those of whom nothing is known."""
        known, new = self._users, self._newcomers
        return np.array([known[i] if i in known else new.get(i, -1) for i in user_ids], np.int64)

    def find_recent(self, asked: Arrays, length: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events.find_recent`."""
        items = np.full((len(asked[USER_ID]), length), -1, np.int64)
        times = np.zeros_like(items)
        columns = (asked[name].tolist() for name in (USER_ID, AS_OF, AS_OF_ORDER))
        for query, (user, as_of, as_of_order) in enumerate(zip(*columns, strict=True)):
            timeline, before = self.find_before(user, as_of, as_of_order)
            found = slice(max(before.start, before.stop - length), before.stop)
            count = found.stop - found.start
            items[query, length - count :] = timeline.columns[ITEM_ID][found]
            times[query, length - count :] = timeline.columns[EVENT_TIME][found]
        return items, times

    def find_before(self, user: int, as_of: int, as_of_order: int) -> tuple[Timeline, slice]:
        """Where the user's events before the moment stand, see `Timeline.find_before`."""
        timeline = self._of_users.choose(user)
        return timeline, timeline.find_before(user, as_of, as_of_order)

    @property
    def last_time(self) -> int:
        """When the last event of all happened, in microseconds."""
        return max(layer.last_time for layer in self._of_users.layers)

    def find_last_times(self, user_ids: Iterable[str]) -> np.ndarray:
        """When each user's last event happened [num_ids] int64 microseconds, -1 without any."""
        last = []
        for user in self.number_users(user_ids).tolist():
            timeline, own = self._find_all(user)
            last.append(timeline.columns[EVENT_TIME][own.stop - 1] if own.stop > own.start else -1)
        return np.array(last, np.int64)

    def find_last_places(self, queries: pd.DataFrame | Table) -> np.ndarray:
        """Where each query's latest event stands in the table [num_queries] int64, -1 for none."""
        places = [self._find_places(*found)[-1:] for found in self._find_all_before(self.number(queries))]
        return np.array([own[0] if len(own) else -1 for own in places], np.int64)

    def find_met(self, queries: pd.DataFrame | Table) -> tuple[np.ndarray, np.ndarray]:
        """What each query's user has met before it: rows of queries, and items [num_met] int64 each."""
        found = self._find_all_before(self.number(queries))
        met = [timeline.columns[ITEM_ID][before] for timeline, before in found]
        query = np.repeat(np.arange(len(met)), [len(items) for items in met])
        return query, np.concatenate([np.empty(0, np.int64), *met])

    def list_events(self, user_id: str, as_of: np.datetime64 | None) -> Arrays:
        """The user's events before the moment, in their order; all where it is None."""
        (user,) = self.number_users([user_id]).tolist()
        timeline, own = self._find_all(user)
        if as_of is not None:
            own = timeline.find_before(user, int(as_of.astype(np.int64)), -1)
        return {name: values[own] for name, values in timeline.columns.items()}

    def _find_all(self, user: int) -> tuple[Timeline, slice]:
        """Where all events of a user stand."""
        timeline = self._of_users.choose(user)
        return timeline, timeline.find_span(user)

    def _find_all_before(self, asked: Arrays) -> list[tuple[Timeline, slice]]:
        columns = (asked[name].tolist() for name in (USER_ID, AS_OF, AS_OF_ORDER))
        return [self.find_before(*query) for query in zip(*columns, strict=True)]

    def _find_places(self, timeline: Timeline, before: slice) -> np.ndarray:
        """Where those of the events that stood are in the table [num_found] int64, the latest last."""
        places = timeline.columns[PLACE][before]
        return places[places >= 0]

    def find_source(self, name: str, tables: Mapping[str, Arrays]) -> Arrays:
        """See `Events.find_source`."""
        table, key = _ASKED[name]
        return self._find(name, np.unique(tables[table][key]))

    def compute_vectors(self, asked: Arrays) -> dict[str, np.ndarray]:
        """See `Events.compute_vectors`: what happens here leaves nothing behind."""
        if not self._outcomes:
            return {}
        strictly = {**asked, AS_OF_ORDER: np.full(len(asked[AS_OF]), outcome_history.FIRST_ORDER)}
        earlier = [self._find_places(*found) for found in self._find_all_before(strictly)]
        computed = {}
        for name, vectors in self._outcomes.items():
            last = np.full((len(earlier), outcome_history.LAST), -1)
            for query, places in enumerate(earlier):
                own = places[vectors[places].any(axis=1)][-outcome_history.LAST :]
                last[query, outcome_history.LAST - len(own) :] = own
            computed[outcome_history.name_history(name)] = outcome_history.compute_means(vectors, last)
        return computed

    def add(self, events: pd.DataFrame, of_items: bool = True) -> "LiveEvents":
        """What stood and what happened, and these events besides.

        Args:
            events: `user_id`, `item_id` (position), `event_time` (datetime64, UTC), `weight` (millionths);
                they come after all others of the same instant. Users may be new.
            of_items: whether they count for the items, too; not for what is only imagined.
        """
        other = copy(self)
        other._newcomers = self._number_newcomers(events[USER_ID])
        happened = other._number_events(events)
        other._next_order += len(events)
        other._of_users = self._of_users.add(happened)
        owners = {"of_user": np.unique(happened[USER_ID])}
        if of_items:
            is_same = self._of_items is self._of_users
            other._of_items = other._of_users if is_same else self._of_items.add(happened)
            owners["of_item"] = np.unique(happened[ITEM_ID])
            owners["steps"] = np.union1d(owners["of_item"], other._find_near(self._next_order))
        other.states = other._renew(owners)
        return other

    def _number_newcomers(self, user_ids: pd.Series) -> dict[str, int]:
        numbers = dict(self._newcomers)
        for user_id in user_ids[self.number_users(user_ids) < 0].unique():
            numbers[user_id] = len(self._users) + len(numbers)
        return numbers

    def _number_events(self, events: pd.DataFrame) -> Arrays:
        """The events as those that stand."""
        numbers = {
            USER_ID: self.number_users(events[USER_ID]),
            EVENT_TIME: to_microseconds(events[EVENT_TIME]),
            EVENT_ORDER: self._next_order + np.arange(len(events)),
            PLACE: np.full(len(events), -1),
        }
        names = self._of_users.layers[0].columns
        return {name: numbers[name] if name in numbers else events[name].to_numpy() for name in names}

    def _find_near(self, order: int) -> np.ndarray:
        """Items near the events from an order on, in their users' histories."""
        latest = self._of_items.layers[-1]
        new = np.flatnonzero(latest.columns[EVENT_ORDER] >= order)
        return np.unique(latest.find_steps(new, self._reach)[ITEM_ID])

    def _renew(self, owners: Mapping[str, np.ndarray]) -> dict[str, LayeredStates]:
        """The states, with those of the owners made anew."""
        tables = {**self._values, **{source: self._find(source, own) for source, own in owners.items()}}
        return {
            name: states.replace(owners[step.source], step.compute(tables))
            if (step := self._steps[name]).source in owners
            else states
            for name, states in self.states.items()
        }

    def _find(self, source: str, owners: np.ndarray) -> Arrays:
        """All events, or steps, of some owners; see `LayeredTimeline.find`."""
        timeline = self._of_users if source == "of_user" else self._of_items
        return timeline.find(source, owners, self._reach)
