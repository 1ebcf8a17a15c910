"""States of all keys, computed once and kept in files, so that a query only looks them up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feature_pipeline.arrays import read_arrays, write_arrays
from feature_pipeline.engine.engine import Computation, find_sources
from feature_pipeline.engine.memory.frames import Frame
from feature_pipeline.engine.memory.interpreter import Interpreter, find_look_ups
from feature_pipeline.engine.memory.states import States, order_states
from feature_pipeline.features.facts import FROM_ITEM
from feature_pipeline.schema import ITEM_ID, USER_ID

# The column of each source of events whose rows belong together.
OWNERS = {"of_user": USER_ID, "of_item": ITEM_ID, "steps": FROM_ITEM}


@dataclass(frozen=True)
class StandingStep:
    """A step whose rows are the states of keys, whatever is asked.

    Attributes:
        expression: computes them.
        key: columns of the key; the first is the owner's.
        instant: the column that says when.
        source: which events it reads, one of `OWNERS`.
        values: which values of items it reads besides.
    """

    expression: Any
    key: tuple[str, ...]
    instant: str
    source: str
    values: tuple[str, ...]

    def compute(self, tables: Mapping[str, Frame]) -> States:
        """The states, from the rows of the events and values."""
        frame = Interpreter(dict(tables)).compute(self.expression)
        columns = {name: frame.get(name) for name in self.expression.schema.names}
        return order_states(columns, self.key, self.instant)


def find_standing(computations: Iterable[Computation]) -> dict[str, StandingStep]:
    """The steps that are looked up and read the events of one kind of owner, and values of items at most."""
    found: dict[str, StandingStep] = {}
    clashing = set()
    for computation in computations:
        every = [*computation.expressions.values(), computation.expression]
        look_ups = find_look_ups(expression.op() for expression in every)
        for name, expression in computation.expressions.items():
            step = _read_step(expression, *look_ups[name]) if name in look_ups else None
            if step is None:
                continue
            if name in found and found[name].expression != step.expression:
                clashing.add(name)
            found[name] = step
    return {name: step for name, step in found.items() if name not in clashing}


def _read_step(expression: Any, key: tuple[str, ...], instant: str) -> StandingStep | None:
    sources = find_sources([expression], set())
    events = [source for source in sources if source in OWNERS]
    values = [source for source in sources if source.startswith(("values_", "numbers_"))]
    if len(events) != 1 or len(events) + len(values) != len(sources) or OWNERS[events[0]] != key[0]:
        return None
    return StandingStep(expression.op(), key, instant, events[0], tuple(values))


def write_states(states: Mapping[str, States], folder: Path) -> None:
    """Writes states, a folder for each table."""
    for name, table in states.items():
        arrays = {"keys": table.keys, "instants": table.instants, "places": table.places}
        spans = np.array(table.spans, np.int64)
        write_arrays(folder / name, {**arrays, "spans": spans}, table.columns)


def read_states(folder: Path) -> dict[str, States]:
    """Reads what `write_states` wrote, memory-mapped."""
    return {place.name: _read(place) for place in sorted(folder.iterdir())}


def _read(place: Path) -> States:
    arrays, columns = read_arrays(place)
    spans = tuple(arrays.pop("spans").tolist())
    return States(columns, **arrays, spans=spans)
