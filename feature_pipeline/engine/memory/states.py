"""States of keys, ordered so that the latest before any moment is found by bisection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.errors import refuse

# A key and an instant share a whole number: the key's place above, the instant's place in these bits.
_INSTANT_BITS = 32


@dataclass(frozen=True)
class States:
    """The state of each key after each instant.

    Attributes:
        columns: values of each state [num_states] int64 by name; each key and instant has one.
        keys: the keys that have states, as whole numbers, ascending [num_keys] int64.
        instants: the instants that have states, ascending [num_instants] int64 microseconds.
        places: key and instant of each state, ascending [num_states] int64.
        spans: how many values each part of a key but the first may take, see `_join_key`.
    """

    columns: Mapping[str, np.ndarray]
    keys: np.ndarray
    instants: np.ndarray
    places: np.ndarray
    spans: tuple[int, ...]

    def look_up(self, key: Sequence[np.ndarray], moment: np.ndarray) -> np.ndarray:
        """The latest state of each key strictly before its moment.

        Args:
            key: parts of each key [num_rows] int64 each.
            moment: [num_rows] int64 microseconds.

        Returns:
            Row of the state [num_rows] int64, -1 where there is none yet.
        """
        if not len(self.keys):
            return np.full(len(moment), -1)
        wanted = _join_key(key, self.spans)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        instant = np.searchsorted(self.instants, moment)
        before = np.searchsorted(self.places, (place << _INSTANT_BITS) + instant) - 1
        is_own = (self.keys[place] == wanted) & (before >= 0)
        is_own &= self.places[before] >> _INSTANT_BITS == place
        return np.where(is_own, before, -1)

    def take(self, name: str, rows: np.ndarray) -> np.ndarray:
        """A column of the states at `rows` [num_rows] int64; anything where the row is -1."""
        values = self.columns[name]
        return values[rows] if len(values) else np.zeros(len(rows), np.int64)


def order_states(columns: Mapping[str, Column], key: Sequence[str], instant: str) -> States:
    """Orders states for look-ups.

    Args:
        columns: by name, all known; states of one key and instant are equal.
        key: which columns are the key.
        instant: which column says when.
    """
    for name, column in columns.items():
        if column.known is not None and not column.known.all():
            refuse(column, f"a state with unknown values ({name})")
    values = {name: column.values for name, column in columns.items()}
    parts = [values[name] for name in key]
    spans = tuple(int(part.max(initial=0)) + 1 for part in parts[1:])
    keys, place_of = np.unique(_join_key(parts, spans), return_inverse=True)
    instants, instant_of = np.unique(values[instant], return_inverse=True)
    places, rows = np.unique((place_of << _INSTANT_BITS) + instant_of, return_index=True)
    return States({name: column[rows] for name, column in values.items()}, keys, instants, places, spans)


def _join_key(parts: Sequence[np.ndarray], spans: tuple[int, ...]) -> np.ndarray:
    """One whole number for each key, -1 for what no key has."""
    joined, is_possible = parts[0].astype(np.int64), parts[0] >= 0
    for part, span in zip(parts[1:], spans, strict=True):
        is_possible = is_possible & (part >= 0) & (part < span)
        joined = joined * span + part
    return np.where(is_possible, joined, -1)


@dataclass(frozen=True)
class LayeredStates:
    """States that stand, and those of keys to which something happened since; both may be shared by threads.

    Attributes:
        standing: of all keys.
        fresh: all states of the owners, the standing ones included.
        owners: whose states are fresh: first parts of keys, ascending [num_owners] int64.
    """

    standing: States
    fresh: States
    owners: np.ndarray

    def look_up(self, key: Sequence[np.ndarray], moment: np.ndarray) -> np.ndarray:
        """As `States.look_up`; fresh states are numbered after the standing ones."""
        standing = self.standing.look_up(key, moment)
        is_fresh = is_among(key[0], self.owners)
        if not is_fresh.any():
            return standing
        fresh = self.fresh.look_up([part[is_fresh] for part in key], moment[is_fresh])
        standing[is_fresh] = np.where(fresh >= 0, fresh + len(self.standing.places), -1)
        return standing

    def take(self, name: str, rows: np.ndarray) -> np.ndarray:
        """As `States.take`."""
        count = len(self.standing.places)
        is_fresh = rows >= count
        taken = self.standing.take(name, np.where(is_fresh, -1, rows))
        taken[is_fresh] = self.fresh.take(name, rows[is_fresh] - count)
        return taken


def is_among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which values are among the known ones, which are ascending [num_values] bool."""
    if not len(known):
        return np.zeros(len(values), bool)
    found: np.ndarray = known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
    return found
