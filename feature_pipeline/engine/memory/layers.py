"""States that stand, and over them those of owners to whom something happened since."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from feature_pipeline.engine.memory.column import Column, join
from feature_pipeline.engine.memory.keys import fit_keys
from feature_pipeline.engine.memory.selection import Selection, take
from feature_pipeline.engine.memory.states import Spans, States
from feature_pipeline.engine.memory.values import choose

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

    @property
    def instant(self) -> str:
        """The column that says when."""
        return self.layers[0].instant

    def locate(self, key: Sequence[Column]) -> Spans:
        """See `States.locate`."""
        spans, count = self.layers[0].locate(key), len(self.layers[0])
        for layer, owners in zip(self.layers[1:], self.owners, strict=True):
            is_own = is_among(key[0].values, owners)
            if is_own.any():
                own = layer.locate(key)
                before = np.where(is_own, own.before + count, spans.before)
                spans = Spans(before, np.where(is_own, own.stops + count, spans.stops))
            count += len(layer)
        return spans

    def read(self, name: str, selection: Selection) -> Column:
        """See `States.read`."""
        rows, count = selection.rows, len(self.layers[0])
        assert rows is not None, "what a look-up has found"
        if (rows < count).all():
            return self.layers[0].read(name, selection)
        column = self.layers[0].read(name, replace(selection, rows=np.where(rows < count, rows, -1)))
        for layer in self.layers[1:]:
            is_own = (rows >= count) & (rows < count + len(layer))
            own = layer.read(name, replace(selection, rows=np.where(is_own, rows - count, -1)))
            column, count = choose(Column(is_own), own, column), count + len(layer)
        return column

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
