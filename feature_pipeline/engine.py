"""The engine that runs the feature expressions, behind one Ibis connection."""

import ibis
from ibis.backends import BaseBackend

from feature_pipeline.config import EngineConfig


def connect(config: EngineConfig) -> BaseBackend:
    """Opens the engine: DuckDB in memory, which spills to disk beyond `memory_limit`."""
    return ibis.duckdb.connect(threads=config.threads, memory_limit=config.memory_limit)
