"""Columns and tables with unknown values, and what both engines make of them."""

from collections.abc import Callable, Sequence
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from feature_pipeline.engine.duckdb import DuckDBEngine
from feature_pipeline.engine.engine import Computation, declare_table
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.memory import MemoryEngine
from tests.event_tables import open_engine, run_computation

# Stands for an unknown number in the rows that a run is given.
UNKNOWN = -99

Values = Sequence[float | None]


def make(*values: float | None, dtype: Any = np.int64) -> Column:
    """A column of these values; None is unknown, under which lies the greatest of them."""
    known = np.array([value is not None for value in values], bool)
    nothing = max([value for value in values if value is not None], default=0)
    filled = np.array([nothing if value is None else value for value in values], dtype)
    return Column(filled, None if known.all() else known)


def show(column: Column) -> list[Any]:
    """The values of a column; None is unknown."""
    known = np.ones(len(column.values), bool) if column.known is None else column.known
    return [
        value if is_known else None for value, is_known in zip(column.values.tolist(), known, strict=True)
    ]


def declare(name: str, columns: Sequence[str]) -> ir.Table:
    """A table of numbers, where `UNKNOWN` is unknown."""
    table = declare_table(name, *columns)
    return table.select(**{column: table[column].nullif(UNKNOWN) for column in columns})


def fill(columns: dict[str, Values]) -> pd.DataFrame:
    """The rows of such a table."""
    return pd.DataFrame(
        {name: [UNKNOWN if v is None else v for v in values] for name, values in columns.items()}
    ).astype("int64")


def compute(build: Callable[..., ir.Table], **tables: dict[str, Values]) -> pd.DataFrame:
    """What the engine in memory makes of an expression, after DuckDB has found the very same.

    Args:
        build: the expression, of the tables in their order.
        tables: columns by name.

    Returns:
        The rows in the order of their values.
    """
    declared = [declare(name, list(columns)) for name, columns in tables.items()]
    frames = {name: fill(columns) for name, columns in tables.items()}
    found = []
    for engine in (MemoryEngine(), open_engine()):
        expression = build(*declared)
        computation = Computation({}, expression, engine.dialect)
        given = {name: frames[name] for name in engine.find_sources(computation)}
        rows = run_computation(engine, computation, **given)
        found.append(rows.sort_values(list(rows), ignore_index=True))
    assert isinstance(open_engine(), DuckDBEngine)
    pd.testing.assert_frame_equal(*found, check_exact=True)
    return found[0]


def list_rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows of a frame; None is unknown."""
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame.itertuples(index=False, name=None)]


def evaluate(build: Callable[[ir.Table], ir.Value], **columns: Values) -> list[float | None]:
    """One value for each row of a table, in their order."""
    numbered = {"row": range(len(next(iter(columns.values())))), **columns}
    found = compute(lambda table: table.select("row", value=build(table)), given=numbered)
    return [value for _, value in list_rows(found)]
