"""Which engine runs the feature expressions, and opening it."""

from typing import Literal

from pydantic import Field

from feature_pipeline.config import Strict
from feature_pipeline.engine.duckdb import DuckDBEngine
from feature_pipeline.engine.engine import Engine
from feature_pipeline.engine.spark import SparkEngine


class EngineConfig(Strict):
    """The engine and its means.

    Attributes:
        name: `duckdb`, or `spark` (extra `spark`, and Java).
        threads: how many work at once on this machine; on Spark each window divides into twice as many parts.
        memory_limit: as `4GB`; DuckDB spills to disk beyond it, for Spark it is the driver's heap.
        master: URL of a Spark cluster, as `spark://host:7077`; this machine where it is left out.
    """

    name: Literal["duckdb", "spark"]
    threads: int = Field(ge=1)
    memory_limit: str
    master: str | None = None

    def on_this_machine(self) -> "EngineConfig":
        """DuckDB with the same means."""
        return EngineConfig(name="duckdb", threads=self.threads, memory_limit=self.memory_limit)


def connect(config: EngineConfig) -> Engine:
    """Opens the engine; it closes itself at the end of the process."""
    if config.name == "duckdb":
        return DuckDBEngine(config.threads, config.memory_limit)
    return SparkEngine(config.master or f"local[{config.threads}]", 2 * config.threads, config.memory_limit)
