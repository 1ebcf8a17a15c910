"""States of keys, ordered so that the latest before any moment is found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from feature_pipeline.engine.memory.calendar import Calendar, keep_calendar
from feature_pipeline.engine.memory.column import Column, Mask, both
from feature_pipeline.engine.memory.groups import Groups, select_first
from feature_pipeline.engine.memory.key_index import KeyIndex, index_keys
from feature_pipeline.engine.memory.keys import NO_KEY, fit_keys
from feature_pipeline.engine.memory.selection import select, take

# Of a record: its values by name, and whether each is known.
VALUES, KNOWN = "values", "known"


@dataclass(frozen=True)
class Found:
    """States that were looked up, one for each row that asks.

    Attributes:
        records: see `States.records` [num_rows]; anything where none was found.
        partial: see `States.partial`.
        is_there: where one was found [num_rows] bool; None where all were.
    """

    records: np.ndarray
    partial: Collection[str]
    is_there: Mask = None


@dataclass(frozen=True)
class States:
    """The state of each key after each instant, ordered by both.

    What is read of a state lies side by side: to find it costs more than to read it.

    Attributes:
        index: of the keys that have states.
        calendar: where the states of each key stood at some instants.
        instants: of each state [num_states] int64 microseconds.
        records: `values` of each state by name, the instant among them, the key's parts not, and which of
            them are `known` [num_states].
        partial: names of the columns of which some values are unknown.
    """

    index: KeyIndex
    calendar: Calendar
    instants: np.ndarray
    records: np.ndarray
    partial: Collection[str]

    def __len__(self) -> int:
        return len(self.instants)

    def locate(self, key: Sequence[Column]) -> np.ndarray:
        """The places of keys [num_rows] int64, see `KeyIndex.find`.

        Args:
            key: its parts [num_rows] each.
        """
        return self.index.find(key)

    def find(self, keys: np.ndarray, moments: np.ndarray) -> Found:
        """The latest state of each key strictly before a moment.

        Args:
            keys: what `locate` returned [num_rows] int64.
            moments: [num_rows] int64 microseconds.
        """
        if not len(self):
            return Found(np.zeros(len(keys), self.records.dtype), self.partial, np.zeros(len(keys), bool))
        row = self.calendar.find_before(keys, moments, self.instants)
        is_there = row >= 0
        # An index of NumPy would copy records field by field.
        records = self.records.take(row, mode="clip")
        return Found(records, self.partial, None if is_there.all() else is_there)

    @property
    def columns(self) -> dict[str, Column]:
        """What can be read of all states, by name [num_states] each."""
        every = Found(self.records, self.partial)
        return {name: read_state(every, name) for name in self.records[VALUES].dtype.names or ()}

    def list_keys(self) -> list[Column]:
        """The parts of the key of each state [num_states] int64 each."""
        place = np.repeat(np.arange(len(self.index)), self.calendar.stops - self.calendar.starts)
        return [Column(part[place]) for part in self.index.space.split(self.index.keys)]


class AnyStates(Protocol):
    """States in one piece or in layers."""

    def locate(self, key: Sequence[Column]) -> np.ndarray:
        """See `States.locate`."""

    def find(self, keys: np.ndarray, moments: np.ndarray) -> Found:
        """See `States.find`."""


def locate(states: AnyStates, *key: Column) -> np.ndarray:
    """Where keys stand, whose parts are [num_rows] each."""
    return states.locate(key)


def find_before(states: AnyStates, keys: np.ndarray, moment: Column) -> Found:
    """The latest state of each key strictly before its moment [num_rows] microseconds."""
    found = states.find(keys, moment.values)
    return Found(found.records, found.partial, both(found.is_there, moment.known))


def read_state(found: Found, name: str) -> Column:
    """A column of the states that were found."""
    known = found.records[KNOWN][name] if name in found.partial else None
    return Column(found.records[VALUES][name], both(known, found.is_there))


def order_states(names: tuple[str, ...], num_parts: int, instants: Groups, *columns: Column) -> States:
    """Orders states for look-ups; those of an unknown key or instant are never found and left out.

    Args:
        names: of the columns that can be read.
        num_parts: of the key.
        instants: rows by key and instant; those of one group are equal.
        columns: of the states [num_rows] each: the parts of the key, the instant, and those to be read.
    """
    rows = select_first(instants)
    *parts, when = (take(column, rows) for column in columns[: num_parts + 1])
    space = fit_keys(parts)
    numbers = space.number(parts)
    kept = select(Column(numbers != NO_KEY, when.known))
    numbers, moments = take(Column(numbers), kept).values, take(when, kept).values
    is_first = np.diff(numbers, prepend=NO_KEY) != 0
    read = {
        name: take(take(column, rows), kept)
        for name, column in zip(names, columns[num_parts + 1 :], strict=True)
    }
    partial = [name for name, column in read.items() if column.known is not None]
    index = index_keys(space, numbers[is_first])
    calendar = keep_calendar(np.cumsum(is_first) - 1, moments, len(index))
    return States(index, calendar, moments, _lay_out(read, len(moments)), partial)


def _lay_out(columns: Mapping[str, Column], count: int) -> np.ndarray:
    """Columns side by side."""
    values: Any = [(name, column.values.dtype) for name, column in columns.items()]
    known: Any = [(name, np.bool_) for name in columns]
    records = np.empty(count, np.dtype([(VALUES, values), (KNOWN, known)], align=True))
    for name, column in columns.items():
        records[VALUES][name] = column.values
        records[KNOWN][name] = True if column.known is None else column.known
    return records
