"""The engine that runs the feature expressions, behind one Ibis connection."""

import atexit
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends import BaseBackend

from feature_pipeline.config import EngineConfig


def connect(config: EngineConfig) -> BaseBackend:
    """Opens the engine: DuckDB in memory, which spills to disk beyond `memory_limit`.

    It closes itself at the end of the process. One thread at a time may use a connection.
    """
    engine = ibis.duckdb.connect(threads=config.threads, memory_limit=config.memory_limit)
    atexit.register(_close, weakref.ref(engine))
    return engine


def _close(engine_ref: weakref.ref[BaseBackend]) -> None:
    """Lets go of the connection while Python still stands; DuckDB calls one that outlives it a leak."""
    engine = engine_ref()
    if engine is not None:
        engine.disconnect()
        del engine.con


@contextmanager
def lend(engine: BaseBackend, frames: Mapping[str, pd.DataFrame]) -> Iterator[dict[str, ir.Table]]:
    """Lends tables to the engine for the length of a `with` block.

    `ibis.memtable` would keep each of them until the process ends, and a service would grow with every
    request.

    Args:
        engine: the connection.
        frames: the tables by name; they are not copied.

    Yields:
        The tables as expressions, by name.
    """
    registered = {name: f"lent_{uuid4().hex}" for name in frames}
    try:
        for name, frame in frames.items():
            engine.con.register(registered[name], pa.Table.from_pandas(frame, preserve_index=False))
        yield {name: engine.table(place) for name, place in registered.items()}
    finally:
        for place in registered.values():
            engine.con.unregister(place)
