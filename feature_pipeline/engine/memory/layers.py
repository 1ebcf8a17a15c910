"""States that stand, and over them those of owners to whom something happened since."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from feature_pipeline.engine.memory.column import Column, both, join
from feature_pipeline.engine.memory.keys import fit_keys
from feature_pipeline.engine.memory.selection import Selection, take
from feature_pipeline.engine.memory.states import Spans, States

# A layer stays apart while the one beneath is so many times as large: adding costs little, and reading, too.
GROWTH = 4


@dataclass(frozen=True)
class LayeredStates:
    """States in layers; threads may share them, `replace` gives other ones.

    Attributes:
        layers: the first of all keys, each further one all states of some owners, which hide those beneath.
            Their rows follow on each other.
        owners: whose states each layer but the first holds: first parts of keys, ascending.
    """

    layers: tuple[States, ...]
    owners: tuple[np.ndarray, ...] = ()

    def locate(self, key: Sequence[Column]) -> Spans:
        """See `States.locate`."""
        spans = self.layers[0].locate(key)
        for layer, first, owners in zip(self.layers[1:], self.firsts[1:], self.owners, strict=True):
            is_own = is_among(key[0].values, owners)
            if is_own.any():
                own = layer.locate(key)
                before = np.where(is_own, own.before + first, spans.before)
                spans = Spans(before, np.where(is_own, own.stops + first, spans.stops))
        return spans

    def search(self, before: np.ndarray, last: np.ndarray, times: np.ndarray) -> np.ndarray:
        """See `States.search`."""
        found = before.copy()
        for layer, first, rows in self._divide(last):
            found[rows] = layer.search(before[rows] - first, last[rows] - first, times[rows]) + first
        return found

    def read(self, name: str, selection: Selection) -> Column:
        """See `States.read`."""
        rows = selection.rows
        assert rows is not None, "what a look-up has found"
        if len(self.layers) == 1 or (rows < len(self.layers[0])).all():
            return self.layers[0].read(name, selection)
        values = np.zeros(len(rows), self.layers[0].columns[name].values.dtype)
        known = np.zeros(len(rows), bool)
        for layer, first, own in self._divide(rows):
            column = layer.read(name, Selection(len(own), rows[own] - first))
            values[own] = column.values
            known[own] = True if column.known is None else column.known
        return Column(values, both(known, selection.found))

    @cached_property
    def firsts(self) -> list[int]:
        """The row at which each layer starts."""
        return list(accumulate((len(layer) for layer in self.layers[:-1]), initial=0))

    def _divide(self, rows: np.ndarray) -> Iterator[tuple[States, int, np.ndarray]]:
        """The layers of some rows, the row at which each starts, and which of the rows lie in it."""
        for layer, first in zip(self.layers, self.firsts, strict=True):
            own = np.flatnonzero((rows >= first) & (rows < first + len(layer)))
            if len(own):
                yield layer, first, own

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
    old, new = (space.split(keys) for space, keys in ((s.space, s.keys) for s in (states, computed)))
    kept = ~is_among(old[0], owners)
    parts = [Column(np.concatenate([one[kept], other])) for one, other in zip(old, new, strict=True)]
    space = fit_keys(parts)
    numbers = space.number(parts)
    order = np.argsort(numbers)
    counts = np.concatenate([np.diff(states.starts)[kept], np.diff(computed.starts)])[order]
    first = np.concatenate([states.starts[:-1][kept], computed.starts[:-1] + len(states)])[order]
    starts = np.append(0, np.cumsum(counts))
    rows = np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)
    columns = {
        name: take(join(column, computed.columns[name]), Selection(len(rows), rows))
        for name, column in states.columns.items()
    }
    return States(columns, states.instant, space, numbers[order], starts)


def is_among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which values are among the known ones, which are ascending [num_values] bool."""
    if not len(known):
        return np.zeros(len(values), bool)
    found: np.ndarray = known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
    return found
