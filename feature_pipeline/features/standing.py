"""States of all keys, computed once and kept in files, so that a query only looks them up."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from feature_pipeline.arrays import Arrays, read_arrays, write_arrays
from feature_pipeline.engine.engine import Computation, find_sources
from feature_pipeline.engine.memory.calendar import Calendar
from feature_pipeline.engine.memory.compiler import Compiled, compile_states
from feature_pipeline.engine.memory.key_index import KeyIndex
from feature_pipeline.engine.memory.keys import KeySpace
from feature_pipeline.engine.memory.look_up import find_look_ups
from feature_pipeline.engine.memory.states import States
from feature_pipeline.features.facts import FROM_ITEM
from feature_pipeline.schema import ITEM_ID, USER_ID

# The column of each source of events whose rows belong together.
OWNERS = {"of_user": USER_ID, "of_item": ITEM_ID, "steps": FROM_ITEM}

_INDEX = "states.json"
# The arrays that make states, their calendar, and the index of their keys.
_OF_STATES, _OF_CALENDAR, _OF_INDEX = ("instants", "records"), ("days", "marks"), ("keys", "bounds")


@dataclass(frozen=True)
class StandingStep:
    """A step whose rows are the states of keys, whatever is asked.

    Attributes:
        expression: computes them.
        key: columns of the key; the first is the owner's.
        instant: the column that says when.
        source: which events it reads, one of `OWNERS`.
    """

    expression: Any
    key: tuple[str, ...]
    instant: str
    source: str

    def compute(self, tables: Mapping[str, Arrays]) -> States:
        """The states, from the rows of the events and values."""
        states: States = self._compiled.program.run(tables, {})["states"]
        return states

    @cached_property
    def _compiled(self) -> Compiled:
        return compile_states(self.expression, self.key, self.instant)


def find_standing(computations: Iterable[Computation]) -> dict[str, StandingStep]:
    """The steps that are looked up and read the events of one kind of owner, and values of items at most.

    Where computations differ in what a name stands for, or in how it is looked up, the step does not stand.
    """
    tables, look_ups = defaultdict(set), defaultdict(set)
    for computation in computations:
        for name, expression in computation.expressions.items():
            tables[name].add(expression.op())
        for expression in (*computation.expressions.values(), computation.expression):
            for wanted in find_look_ups(expression.op()):
                if wanted.table is not None:
                    look_ups[wanted.table].add((wanted.key, wanted.instant))
    found = {}
    for name, expressions in tables.items():
        if len(expressions) == len(look_ups[name]) == 1:
            (expression,), ((key, instant),) = expressions, look_ups[name]
            step = _read_step(expression, key, instant)
            if step is not None:
                found[name] = step
    return found


def _read_step(expression: Any, key: tuple[str, ...], instant: str) -> StandingStep | None:
    sources = find_sources([expression.to_expr()], set())
    events = [source for source in sources if source in OWNERS]
    values = [source for source in sources if source.startswith(("values_", "numbers_"))]
    if len(events) != 1 or len(events) + len(values) != len(sources) or OWNERS[events[0]] != key[0]:
        return None
    return StandingStep(expression, key, instant, events[0])


def write_states(states: Mapping[str, States], folder: Path) -> None:
    """Writes states, a folder for each table."""
    folder.mkdir(parents=True)
    for number, table in enumerate(states.values()):
        arrays = {name: getattr(table, name) for name in _OF_STATES}
        arrays |= {name: getattr(table.calendar, name) for name in _OF_CALENDAR}
        arrays |= {name: getattr(table.index, name) for name in _OF_INDEX}
        write_arrays(folder / str(number), arrays)
    index = [
        {"name": name, **asdict(table.index.space), "shift": table.index.shift, "partial": [*table.partial]}
        for name, table in states.items()
    ]
    (folder / _INDEX).write_text(json.dumps(index) + "\n")


def read_states(folder: Path) -> dict[str, States]:
    """Reads what `write_states` wrote, memory-mapped."""
    index = json.loads((folder / _INDEX).read_text())
    return {entry["name"]: _read(folder / str(number), entry) for number, entry in enumerate(index)}


def _read(place: Path, entry: Mapping[str, Any]) -> States:
    arrays = read_arrays(place)
    space = KeySpace(tuple(entry["lows"]), tuple(entry["spans"]))
    index = KeyIndex(space, shift=entry["shift"], **{name: arrays[name] for name in _OF_INDEX})
    calendar = Calendar(**{name: arrays[name] for name in _OF_CALENDAR})
    own = {name: arrays[name] for name in _OF_STATES}
    return States(index, calendar, partial=frozenset(entry["partial"]), **own)
