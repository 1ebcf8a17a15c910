"""The engines that run the feature expressions: DuckDB on one machine, Spark on a cluster.

Both run the same Ibis expressions. The one thing they do not share is how the latest earlier state of a key
is found, because Spark has no as-of join: `look_up` is theirs.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from feature_pipeline.arrays import Arrays


class Computation:
    """Expressions over declared tables, compiled once and run on any rows.

    Compiling takes several times as long as answering one query, and `ibis.memtable` would keep the rows of
    every run until the process ends.

    Args:
        steps: tables that several others read, by name and in order; each is computed once.
        result: what is asked for; it may read the steps by their names, see `declare_table`.
        dialect: the engine's, for the SQL.

    Attributes:
        expressions: the steps.
        expression: the result.
        sources: names of the declared tables whose rows a run must give.
    """

    def __init__(self, steps: Mapping[str, ir.Table], result: ir.Table, dialect: str):
        self.expressions = dict(steps)
        self.expression = result
        self.sources = find_sources([*steps.values(), result], set(steps))
        self._dialect = dialect

    @cached_property
    def steps(self) -> dict[str, str]:
        """SQL of the steps."""
        return {name: self._to_sql(step) for name, step in self.expressions.items()}

    @cached_property
    def result(self) -> str:
        """SQL of the result."""
        return self._to_sql(self.expression)

    @cached_property
    def schema(self) -> pa.Schema:
        """Types of the result's columns."""
        return self.expression.schema().to_pyarrow()

    @cached_property
    def dtypes(self) -> dict[str, np.dtype[Any]]:
        """The same for arrays, where all values are known."""
        return {field.name: np.dtype(field.type.to_pandas_dtype()) for field in self.schema}

    def _to_sql(self, expression: ir.Table) -> str:
        return str(ibis.to_sql(expression, dialect=self._dialect))


def find_sources(expressions: Iterable[ir.Table], steps: set[str]) -> list[str]:
    """Names of the declared tables that expressions read, those of steps left out."""
    read = {table.name for e in expressions for table in e.op().find(ops.UnboundTable)}
    return sorted(read - steps)


class Engine(ABC):
    """Runs computations; threads may share it.

    Attributes:
        dialect: the name of its SQL.
    """

    dialect: str

    @classmethod
    @abstractmethod
    def look_up(
        cls, rows: ir.Table, states: ir.Table, key: Sequence[str], moment: str, prefix: str
    ) -> ir.Table:
        """Adds to each row the latest state of its key strictly before the row's moment.

        Args:
            rows: `row` (int64, unique), the key's columns, and the column `moment` (int64 microseconds).
            states: the key's columns, `event_time` (int64 microseconds), and the state after each instant;
                rows of one key and time are equal.
            key: the columns that both share.
            moment: name of the column that says when.
            prefix: stands before the names of the state's columns.

        Returns:
            `rows` with the columns of the state, null where the key has none yet.
        """

    def find_sources(self, computation: Computation) -> list[str]:
        """Names of the declared tables whose rows `run` reads."""
        return computation.sources

    @abstractmethod
    def run(self, computation: Computation, tables: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
        """Computes the result.

        Args:
            computation: compiled for this engine's dialect.
            tables: rows of every table that `find_sources` names.

        Returns:
            The columns of the result, their rows in no order; one that is unknown in places is float64, with
            NaN there.
        """


def declare_table(name: str, *columns: str) -> ir.Table:
    """A table of int64 columns whose rows are given when a computation runs."""
    return ibis.table(dict.fromkeys(columns, "int64"), name=name)


def to_arrow(rows: Arrays) -> pa.Table:
    """Rows as an engine reads them."""
    return pa.table(dict(rows))


def to_arrays(table: pa.Table, schema: pa.Schema) -> dict[str, np.ndarray]:
    """The rows an engine returned, in the types that the expression has on every engine."""
    columns = table.cast(schema).columns
    return {name: _to_array(column) for name, column in zip(schema.names, columns, strict=True)}


def _to_array(column: pa.ChunkedArray) -> np.ndarray:
    is_number = not (pa.types.is_boolean(column.type) and column.null_count)
    values: np.ndarray = (column if is_number else column.cast("int8")).to_numpy()
    return values
