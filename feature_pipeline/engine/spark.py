"""Spark: the same expressions on any master, from `local[2]` to a cluster."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from threading import Lock
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from feature_pipeline.arrays import Arrays
from feature_pipeline.engine.engine import Computation, Engine, to_arrays, to_arrow
from feature_pipeline.errors import UserError
from feature_pipeline.point_in_time import ROW
from feature_pipeline.schema import EVENT_TIME


class SparkMissingError(UserError):
    """PySpark or Java is not installed, or the master does not answer."""


class SparkEngine(Engine):
    """A Spark session; tables go in and results come back as Arrow.

    Args:
        master: URL of the cluster, as `local[2]` or `spark://host:7077`.
        shuffle_partitions: into how many parts a window or join divides its rows.
        driver_memory: heap of the driver, as `4GB`.

    Raises:
        SparkMissingError: install the extra `spark` and Java 17, or correct `engine.master`.
    """

    dialect = "pyspark"

    def __init__(self, master: str, shuffle_partitions: int, driver_memory: str):
        self._session = _start_session(master, shuffle_partitions, driver_memory)
        # Loading the backend sets the options that compiling for it reads.
        ibis.pyspark  # noqa: B018
        # Views belong to the whole session, so that two computations at once would read each other's.
        self._lock = Lock()

    @classmethod
    def look_up(
        cls, rows: ir.Table, states: ir.Table, key: Sequence[str], moment: str, prefix: str
    ) -> ir.Table:
        """Adds the latest state before each row's moment; see `Engine.look_up`.

        Rows and states are laid on one line, a row of time t at 2 t and a state at 2 t + 1, so that the state
        of the very instant comes after the row. The latest time on that line leads to the state.
        """
        asked = rows.mutate(_place=rows[moment] * 2, _found=ibis.null().cast("int64"))
        # The rows go along whole: reading them anew for every look-up would double them with each.
        of_rows = {name: ibis.null().cast(kind) for name, kind in rows.schema().items() if name not in key}
        times = {"_place": states[EVENT_TIME] * 2 + 1, "_found": states[EVENT_TIME]}
        known = states.select(*key, **of_rows, **times)
        line = ibis.union(asked, known.select(*asked.columns))
        so_far = ibis.range_window(group_by=list(key), order_by="_place", following=0)
        timed = line.mutate(_found=line["_found"].max().over(so_far)).filter(ibis._[ROW].notnull())
        named = states.distinct().rename({prefix + name: name for name in states.columns})
        predicates = [timed[name] == named[prefix + name] for name in key]
        joined = timed.left_join(named, [*predicates, timed["_found"] == named[prefix + EVENT_TIME]])
        return joined.drop("_place", "_found", *(prefix + name for name in key))

    def run(self, computation: Computation, tables: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
        """Computes the result in views of the session; see `Engine.run`."""
        with self._lock, ExitStack() as views:
            for name, rows in tables.items():
                table = to_arrow(rows)
                self._show(name, self._session.createDataFrame(table), views)
            for name, sql in computation.steps.items():
                step = self._session.sql(sql).cache()
                views.callback(step.unpersist)
                self._show(name, step, views)
            return to_arrays(self._session.sql(computation.result).toArrow(), computation.schema)

    def _show(self, name: str, frame: Any, views: ExitStack) -> None:
        quoted = name.replace("`", "``")
        frame.createOrReplaceTempView(f"`{quoted}`")
        views.callback(self._session.catalog.dropTempView, name)


def _start_session(master: str, shuffle_partitions: int, driver_memory: str) -> Any:
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise SparkMissingError(
            "engine=spark needs PySpark, which is not installed. Remedy: pip install "
            "'towerbridge[spark]', or engine=duckdb"
        ) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings: dict[str, Any] = {
        "spark.driver.memory": driver_memory.removesuffix("B"),
        "spark.sql.shuffle.partitions": shuffle_partitions,
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    try:
        builder = SparkSession.builder.master(master).appName("towerbridge")
        return builder.config(map=settings).getOrCreate()
    except (PySparkException, RuntimeError, OSError) as error:
        raise SparkMissingError(
            f"engine.master={master!r}: Spark does not start ({str(error).splitlines()[0]}). Remedy: install "
            "Java 17 and set JAVA_HOME, or give the URL of a running master"
        ) from None
