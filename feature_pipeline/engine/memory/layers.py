"""States that stand, and over them those of owners to whom something happened since."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from feature_pipeline.engine.memory.column import Column, join
from feature_pipeline.engine.memory.groups import group
from feature_pipeline.engine.memory.key_index import NO_PLACE
from feature_pipeline.engine.memory.selection import select, take
from feature_pipeline.engine.memory.states import Found, States, order_states

# A layer stays apart while the one beneath is so many times as large: adding costs little, and reading, too.
GROWTH = 4


@dataclass(frozen=True)
class LayeredStates:
    """States in layers; threads may share them, `replace` gives other ones.

    Attributes:
        layers: the first of all keys, each further one all states of some owners, which hide those beneath.
        owners: whose states each layer but the first holds: first parts of keys, ascending.
    """

    layers: tuple[States, ...]
    owners: tuple[np.ndarray, ...] = ()

    def locate(self, key: Sequence[Column]) -> np.ndarray:
        """See `States.locate`; the keys of the layers follow on each other."""
        places = self.layers[0].locate(key)
        for layer, first, owners in zip(self.layers[1:], self._firsts[1:], self.owners, strict=True):
            is_own = is_among(key[0].values, owners)
            if is_own.any():
                own = layer.locate(key)
                places = np.where(is_own, np.where(own == NO_PLACE, NO_PLACE, own + first), places)
        return places

    def find(self, keys: np.ndarray, moments: np.ndarray) -> Found:
        """See `States.find`."""
        if len(self.layers) == 1 or (keys < self._firsts[1]).all():
            return self.layers[0].find(keys, moments)
        found = self.layers[0].find(np.where(keys < self._firsts[1], keys, NO_PLACE), moments)
        partial = set().union(*(layer.partial for layer in self.layers))
        is_there = np.ones(len(keys), bool) if found.is_there is None else found.is_there
        for layer, first in zip(self.layers[1:], self._firsts[1:], strict=True):
            rows = np.flatnonzero((keys >= first) & (keys < first + len(layer.index)))
            if len(rows):
                own = layer.find(keys[rows] - first, moments[rows])
                found.records[rows] = own.records
                is_there[rows] = True if own.is_there is None else own.is_there
        return Found(found.records, partial, is_there)

    @cached_property
    def _firsts(self) -> list[int]:
        """The place of the first key of each layer."""
        return list(accumulate((len(layer.index) for layer in self.layers[:-1]), initial=0))

    def replace(self, owners: np.ndarray, states: States) -> "LayeredStates":
        """The same, with all states of some owners as they were computed anew.

        Args:
            owners: first parts of keys, ascending [num_owners] int64.
            states: all that these owners have.
        """
        layers, hidden = [*self.layers, states], [*self.owners, owners]
        while len(layers) > 2 and len(layers[-2]) < GROWTH * len(layers[-1]):
            layers[-2:] = [merge(layers[-2], hidden[-1], layers[-1])]
            hidden[-2:] = [np.union1d(*hidden[-2:])]
        return LayeredStates(tuple(layers), tuple(hidden))


def merge(states: States, owners: np.ndarray, computed: States) -> States:
    """States in one piece, with all of some owners as they were computed anew."""
    old, new = ([*s.list_keys(), Column(s.instants), *s.columns.values()] for s in (states, computed))
    kept = select(Column(~is_among(old[0].values, owners)))
    columns = [join(take(one, kept), other) for one, other in zip(old, new, strict=True)]
    num_parts = len(states.index.space.spans)
    instants = group(len(columns[0].values), *columns[: num_parts + 1])
    return order_states(tuple(states.columns), num_parts, instants, *columns)


def is_among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which values are among the known ones, which are ascending [num_values] bool."""
    if not len(known):
        return np.zeros(len(values), bool)
    found: np.ndarray = known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
    return found
