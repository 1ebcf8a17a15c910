"""The engine of one query at a time: nothing is parsed, planned, or copied to a database."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from feature_pipeline.engine.duckdb import DuckDBEngine
from feature_pipeline.engine.engine import Computation, Engine, find_sources
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.frames import Frame, Rows
from feature_pipeline.engine.memory.interpreter import Interpreter
from feature_pipeline.engine.memory.states import LayeredStates, States


class MemoryEngine(Engine):
    """Interprets expressions over arrays; knows the operations that features use, and refuses others.

    Args:
        states: states that stand ready, by the name of their step; these steps are not computed.
    """

    dialect = "memory"

    def __init__(self, states: Mapping[str, States | LayeredStates] | None = None):
        self._states = states or {}

    @classmethod
    def look_up(
        cls, rows: ir.Table, states: ir.Table, key: Sequence[str], moment: str, prefix: str
    ) -> ir.Table:
        """An as-of join, which the interpreter answers by bisection; see `Engine.look_up`."""
        return DuckDBEngine.look_up(rows, states, key, moment, prefix)

    def find_sources(self, computation: Computation) -> list[str]:
        """Those of the steps that have states need no rows; see `Engine.find_sources`."""
        names = tuple(sorted(computation.expressions.keys() & self._states.keys()))
        return _find_sources(computation, names)

    def run(self, computation: Computation, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Computes the result; see `Engine.run`."""
        interpreter = Interpreter({name: _read(table) for name, table in tables.items()}, self._states)
        for name, step in computation.expressions.items():
            if name not in self._states:
                interpreter.tables[name] = interpreter.compute(step.op())
        result = computation.expression.op()
        frame = interpreter.compute(result)
        return pd.DataFrame({name: _show(frame.get(name)) for name in result.schema.names})


@cache
def _find_sources(computation: Computation, standing: tuple[str, ...]) -> list[str]:
    steps = [step for name, step in computation.expressions.items() if name not in standing]
    return find_sources([*steps, computation.expression], set(computation.expressions))


def _read(table: pd.DataFrame) -> Frame:
    return Rows({str(name): Column(values.to_numpy()) for name, values in table.items()}, len(table))


def _show(column: Column) -> np.ndarray[Any, Any]:
    """The values as pandas holds them: whole numbers of which some are unknown become floats."""
    if column.known is None or column.known.all():
        return column.values
    return np.where(column.known, column.values, np.nan)
