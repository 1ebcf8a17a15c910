"""A computation as a list of steps, made once and run on any rows: running it walks no expression."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_pipeline.arrays import Arrays
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.states import AnyStates

# Where a run finds what it is given.
TABLES, STATES = 0, 1


@dataclass(frozen=True)
class Program:
    """Steps in order.

    Attributes:
        start: what each slot holds before a run: constants.
        steps: slot to fill, function, slots of its arguments, and the slots that nobody reads afterwards.
        results: slots by name.
    """

    start: tuple[Any, ...]
    steps: tuple[tuple[int, Callable[..., Any], tuple[int, ...], tuple[int, ...]], ...]
    results: Mapping[str, int]

    def run(self, tables: Mapping[str, Arrays], states: Mapping[str, AnyStates]) -> dict[str, Any]:
        """The results by name.

        Args:
            tables: rows by name.
            states: that stand ready to be looked up, by name.
        """
        slots = list(self.start)
        slots[TABLES], slots[STATES] = tables, states
        # What is unknown may divide by zero, and nobody reads it.
        with np.errstate(all="ignore"):
            for target, function, arguments, done in self.steps:
                slots[target] = function(*[slots[argument] for argument in arguments])
                for slot in done:
                    slots[slot] = None
        return {name: slots[slot] for name, slot in self.results.items()}


class Plan:
    """Collects steps; the same step is never listed twice."""

    def __init__(self) -> None:
        self._start: list[Any] = [None, None]
        self._constants: set[int] = set()
        self._known: dict[Hashable, int] = {}
        self._steps: list[tuple[int, Callable[..., Any], tuple[int, ...]]] = []

    def hold(self, value: Hashable) -> int:
        """The slot of a constant."""
        return self._hold(value, (type(value), value))

    def add(self, function: Callable[..., Any], *arguments: int) -> int:
        """The slot of what a function returns for the values of other slots."""
        key = (function, *arguments)
        if key in self._known:
            return self._known[key]
        if self._constants.issuperset(arguments):
            with np.errstate(all="ignore"):
                return self._hold(function(*[self._start[argument] for argument in arguments]), key)
        slot = self._known[key] = self._add_slot(None)
        self._steps.append((slot, function, arguments))
        return slot

    def get_constant(self, slot: int) -> Any:
        """What a slot always holds, None where that is not known before the run."""
        return self._start[slot]

    def finish(self, results: Mapping[str, int]) -> Program:
        """The steps that the results need."""
        needed, steps = set(results.values()), []
        kept = needed | self._constants | {TABLES, STATES}
        for slot, function, arguments in reversed(self._steps):
            if slot in needed:
                done = tuple({argument for argument in arguments if argument not in kept})
                kept.update(arguments)
                needed.update(arguments)
                steps.append((slot, function, arguments, done))
        return Program(tuple(self._start), tuple(reversed(steps)), dict(results))

    def _hold(self, value: Any, key: Hashable) -> int:
        if key not in self._known:
            self._known[key] = self._add_slot(value)
            self._constants.add(self._known[key])
        return self._known[key]

    def _add_slot(self, value: Any) -> int:
        self._start.append(value)
        return len(self._start) - 1


def read_column(tables: Mapping[str, Arrays], table: str, column: str) -> Column:
    """A column of a table that was given."""
    return Column(tables[table][column])


def read_states(states: Mapping[str, AnyStates], name: str) -> AnyStates:
    """States that stand ready."""
    return states[name]


def count_rows(column: Column) -> int:
    """The number of rows of the table that a column is read from."""
    return len(column.values)
