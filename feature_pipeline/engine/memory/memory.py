"""The engine of one query at a time: nothing is parsed, planned, or copied to a database."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import ibis.expr.types as ir
import numpy as np

from feature_pipeline.arrays import Arrays
from feature_pipeline.engine.duckdb import DuckDBEngine
from feature_pipeline.engine.engine import Computation, Engine
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.compiler import Compiled, compile_table
from feature_pipeline.engine.memory.states import AnyStates


class MemoryEngine(Engine):
    """Runs compiled expressions over arrays; knows the operations that features use, and refuses others.

    Args:
        states: states that stand ready, by the name of their step; these steps are not computed.
    """

    dialect = "memory"

    def __init__(self, states: Mapping[str, AnyStates] | None = None):
        self._states = states or {}
        self._standing = frozenset(self._states)

    @classmethod
    def look_up(
        cls, rows: ir.Table, states: ir.Table, key: Sequence[str], moment: str, prefix: str
    ) -> ir.Table:
        """An as-of join, which is answered by bisection; see `Engine.look_up`."""
        return DuckDBEngine.look_up(rows, states, key, moment, prefix)

    def find_sources(self, computation: Computation) -> list[str]:
        """Those that are read where steps with states are not computed; see `Engine.find_sources`."""
        return _compile(computation, self._standing).sources

    def run(self, computation: Computation, tables: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
        """Computes the result; see `Engine.run`."""
        results = _compile(computation, self._standing).program.run(tables, self._states)
        return {name: _show(column, computation.dtypes[name]) for name, column in results.items()}


@cache
def _compile(computation: Computation, standing: frozenset[str]) -> Compiled:
    steps = {name: step.op() for name, step in computation.expressions.items()}
    return compile_table(computation.expression.op(), steps, standing & steps.keys())


def _show(column: Column, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The values as other engines return them: where some are unknown, numbers are floats."""
    if column.known is None or column.known.all():
        return column.values.astype(dtype, copy=False)
    return np.where(column.known, column.values, np.nan)
