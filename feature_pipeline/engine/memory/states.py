"""States of keys, ordered so that the latest before any moment is found by bisection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from feature_pipeline.engine.memory.column import Column, both
from feature_pipeline.engine.memory.groups import Groups, select_first
from feature_pipeline.engine.memory.keys import NO_KEY, KeySpace, fit_keys
from feature_pipeline.engine.memory.selection import Selection, select, take


@dataclass(frozen=True)
class Spans:
    """Where the states of keys lie.

    Attributes:
        before: the row before the first state of each key [num_rows] int64.
        stops: the row after its last one [num_rows] int64.
    """

    before: np.ndarray
    stops: np.ndarray


@dataclass(frozen=True)
class States:
    """The state of each key after each instant, ordered by both.

    Attributes:
        columns: values of each state by name, the instant among them, the key's parts not.
        instant: which of the columns says when; int64 microseconds, all known.
        space: of the keys.
        keys: the keys that have states, numbered in their space, ascending [num_keys] int64.
        starts: where the states of each key start, and at last where they end [num_keys + 1] int64.
    """

    columns: Mapping[str, Column]
    instant: str
    space: KeySpace
    keys: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return int(self.starts[-1])

    def locate(self, key: Sequence[Column]) -> Spans:
        """Where the states of keys lie.

        Args:
            key: its parts [num_rows] each.
        """
        wanted = self.space.number(key)
        spans = Spans(np.full(len(wanted), -1), np.zeros(len(wanted), np.int64))
        if len(self.keys):
            # In their order they are found several times as fast, and many are not there.
            order = np.argsort(wanted)
            ordered = wanted[order]
            place = np.minimum(np.searchsorted(self.keys, ordered), len(self.keys) - 1)
            is_there = self.keys[place] == ordered
            rows, place = order[is_there], place[is_there]
            spans.before[rows], spans.stops[rows] = self.starts[place] - 1, self.starts[place + 1]
        return spans

    def read(self, name: str, selection: Selection) -> Column:
        """A column of selected states.

        Args:
            name: of the column.
            selection: rows of states, -1 where there is none.
        """
        return take(self.columns[name], selection)

    def search(self, before: np.ndarray, last: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The latest state of each key before a time, or the row before its first.

        Args:
            before: the row before the first state of each key [num_rows] int64.
            last: the row of its last state [num_rows] int64.
            times: [num_rows] int64 microseconds.
        """
        instants = self.columns[self.instant].values
        # Most times are later than all that is known of the key, which saves the search.
        is_early = instants[last] < times
        found = np.where(is_early, last, before)
        rows = np.flatnonzero(~is_early)
        found[rows] = _bisect(instants, before[rows], last[rows], times[rows])
        return found


def _bisect(instants: np.ndarray, before: np.ndarray, last: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Where the last state is not before the time."""
    # From the greatest power of two within the longest span.
    step = 1 << int((last - before).max(initial=0)).bit_length() >> 1
    while step:
        before = before + step * (instants[np.minimum(before + step, last)] < times)
        step //= 2
    return before


class AnyStates(Protocol):
    """States in one piece or in layers."""

    def locate(self, key: Sequence[Column]) -> Spans:
        """See `States.locate`."""

    def read(self, name: str, selection: Selection) -> Column:
        """See `States.read`."""

    def search(self, before: np.ndarray, last: np.ndarray, times: np.ndarray) -> np.ndarray:
        """See `States.search`."""


def locate(states: AnyStates, *key: Column) -> Spans:
    """Where the states of keys lie, whose parts are [num_rows] each."""
    return states.locate(key)


def find_before(states: AnyStates, spans: Spans, moment: Column) -> Selection:
    """The latest state of each key strictly before its moment [num_rows] microseconds."""
    found, last = spans.before.copy(), spans.stops - 1
    rows = np.flatnonzero(found < last)
    found[rows] = states.search(found[rows], last[rows], moment.values[rows])
    return Selection(len(found), found, both(found > spans.before, moment.known))


def read_state(states: AnyStates, name: str, selection: Selection) -> Column:
    """A column of the states that were found."""
    return states.read(name, selection)


def order_states(
    names: tuple[str, ...], num_parts: int, instant: str, instants: Groups, *columns: Column
) -> States:
    """Orders states for look-ups; those of an unknown key or instant are never found and left out.

    Args:
        names: of the columns.
        num_parts: how many of the columns, the first ones, are the key.
        instant: which column says when.
        instants: rows by key and instant; those of one group are equal.
        columns: of the states, the key's parts first.
    """
    rows = select_first(instants)
    ordered = [take(column, rows) for column in columns]
    parts, when = ordered[:num_parts], ordered[names.index(instant)]
    space = fit_keys(parts)
    numbers = space.number(parts)
    kept = select(Column(numbers != NO_KEY, when.known))
    numbers = take(Column(numbers), kept).values
    is_first = np.ones(len(numbers), bool)
    is_first[1:] = numbers[1:] != numbers[:-1]
    starts = np.flatnonzero(is_first)
    values = {name: take(column, kept) for name, column in zip(names, ordered, strict=True)}
    own = {name: column for name, column in values.items() if name not in names[:num_parts]}
    return States(own, instant, space, numbers[starts], np.append(starts, len(numbers)))
