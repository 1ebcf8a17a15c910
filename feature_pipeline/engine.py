"""The engine that runs the feature expressions, behind one Ibis connection."""

import atexit
import weakref
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends import BaseBackend

from feature_pipeline.config import EngineConfig


def connect(config: EngineConfig) -> BaseBackend:
    """Opens the engine: DuckDB in memory, which spills to disk beyond `memory_limit`.

    It closes itself at the end of the process.
    """
    engine = ibis.duckdb.connect(threads=config.threads, memory_limit=config.memory_limit)
    atexit.register(_close, weakref.ref(engine))
    return engine


def _close(engine_ref: weakref.ref[BaseBackend]) -> None:
    """Lets go of the connection while Python still stands; DuckDB complains of any that outlive it."""
    engine = engine_ref()
    if engine is not None:
        engine.disconnect()
        del engine.con


def declare_table(name: str, *columns: str) -> ir.Table:
    """A table of int64 columns whose rows are given when a computation runs."""
    return ibis.table(dict.fromkeys(columns, "int64"), name=name)


class Computation:
    """An expression over declared tables, compiled once and run on any rows.

    Compiling takes several times as long as answering one query, and `ibis.memtable` would keep the rows of
    every run until the process ends.

    Args:
        expression: built from `declare_table`.
    """

    def __init__(self, expression: ir.Table):
        self._sql = ibis.duckdb.compile(expression)
        self._schema = expression.schema().to_pyarrow()

    def run(self, engine: BaseBackend, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Computes the expression; threads may share the engine.

        Args:
            engine: see `connect`.
            tables: rows of every declared table, by name.

        Returns:
            The rows of the result, in no order.
        """
        # Only the cursor sees what is registered with it, and closing it lets go of everything.
        with engine.con.cursor() as cursor:
            for name, rows in tables.items():
                cursor.register(name, pa.Table.from_pandas(rows, preserve_index=False))
            computed: pd.DataFrame = cursor.sql(self._sql).to_arrow_table().cast(self._schema).to_pandas()
        return computed
