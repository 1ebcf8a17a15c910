"""DuckDB, the default engine: in memory, spilling to disk beyond its limit."""

import atexit
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import ibis.expr.types as ir
import numpy as np

from feature_pipeline.arrays import Arrays
from feature_pipeline.engine.engine import Computation, Engine, to_arrays, to_arrow
from feature_pipeline.schema import EVENT_TIME


class DuckDBEngine(Engine):
    """One in-memory database; it closes itself at the end of the process.

    Args:
        threads: how many work at once.
        memory_limit: as `4GB`; beyond it tables go to a temporary folder.
    """

    dialect = "duckdb"

    def __init__(self, threads: int, memory_limit: str):
        spill = tempfile.mkdtemp(prefix="towerbridge-duckdb-")
        settings: dict[str, Any] = {"threads": threads, "memory_limit": memory_limit, "temp_directory": spill}
        # Rows come back in no order anyway, and keeping one would cost memory.
        self._connection = duckdb.connect(config={**settings, "preserve_insertion_order": False})
        weakref.finalize(self, shutil.rmtree, spill, ignore_errors=True)
        atexit.register(_close, weakref.ref(self))

    @classmethod
    def look_up(
        cls, rows: ir.Table, states: ir.Table, key: Sequence[str], moment: str, prefix: str
    ) -> ir.Table:
        """Adds the latest state before each row's moment by an as-of join; see `Engine.look_up`."""
        named = states.rename({prefix + name: name for name in states.columns})
        joined = rows.asof_join(
            named,
            on=rows[moment] > named[prefix + EVENT_TIME],
            predicates=[rows[name] == named[prefix + name] for name in key],
        )
        return joined.drop(*(prefix + name for name in key))

    def run(self, computation: Computation, tables: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
        """Computes the result on a cursor of its own; see `Engine.run`."""
        # Only the cursor sees what is registered with it, and closing it lets go of everything.
        with self._connection.cursor() as cursor:
            for name, rows in tables.items():
                cursor.register(name, to_arrow(rows))
            for name, sql in computation.steps.items():
                quoted = name.replace('"', '""')
                cursor.execute(f'CREATE TEMP TABLE "{quoted}" AS {sql}')
            return to_arrays(cursor.sql(computation.result).to_arrow_table(), computation.schema)


def _close(engine_ref: weakref.ref[DuckDBEngine]) -> None:
    """Lets go of the connection while Python still stands; DuckDB complains of any that outlive it."""
    engine = engine_ref()
    if engine is not None:
        engine._connection.close()
        del engine._connection
