"""Tables of DuckDB and PostgreSQL databases, read through Ibis."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound

from feature_pipeline.database_url import is_postgres
from feature_pipeline.errors import UserError
from feature_pipeline.schema import SchemaError, check_columns, complain


def read_database(root: Path, database: str, table: str, columns: Sequence[str]) -> tuple[pa.Table, str]:
    """Reads some columns of a database table or view.

    Args:
        root: folder that the path of a DuckDB database starts from.
        database: that path, or `postgresql://user@host:port/name`, without a password: libpq takes it from
            PGPASSWORD or ~/.pgpass.
        table: its name, or `schema.name`.
        columns: their names.

    Returns:
        The rows, and how messages name the table. Values come as the text that the database writes for them
        (exact numbers, times with their zone), but truth values and lists as such. DuckDB gives the rows in
        the order they were inserted. PostgreSQL promises no order, so that they are sorted by all the
        columns read: the same table gives the same rows every time.

    Raises:
        SchemaError: no such database, table or column, or no right to read it.
        UserError: the driver for PostgreSQL is not installed; install the extra `postgres`.
    """
    place = database if is_postgres(database) else str(root / database)
    name = f"{place} table {table}"
    opened = _open_postgres(place) if is_postgres(database) else _open_duckdb(place)
    with opened as connection, _name_errors(name):
        schema, _, leaf = table.rpartition(".")
        # With the catalog: in shop.duckdb a schema `shop` alone would be ambiguous.
        source = connection.table(leaf, database=(connection.current_catalog, schema) if schema else None)
        check_columns(name, source.columns, columns)
        rows = source.select(**{column: _as_text(source[column]) for column in columns})
        return (rows.order_by(list(columns)) if is_postgres(database) else rows).to_pyarrow(), name


def _as_text(column: ir.Column) -> ir.Column:
    """Drivers differ in what they make of decimals, UUIDs, JSON or endless times; text is the same in all."""
    kind = column.type()
    return column if kind.is_boolean() or kind.is_array() else column.cast("string")


@contextmanager
def _open_duckdb(path: str) -> Iterator[BaseBackend]:
    if not Path(path).is_file():
        raise complain(path, "database", "a DuckDB file", "no such file", "check dataset.root and database")
    try:
        connection = ibis.duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        remedy = "check that it is one, and that no other program has it open for writing"
        raise complain(path, "database", "a DuckDB file", _tell(error), remedy) from None
    try:
        yield connection
    finally:
        connection.disconnect()


@contextmanager
def _open_postgres(url: str) -> Iterator[BaseBackend]:
    try:
        import psycopg
    except ImportError:
        raise UserError(
            f"{url}: reading PostgreSQL needs its driver. Remedy: pip install 'towerbridge[postgres]'"
        ) from None
    try:
        connection = ibis.connect(url)
    except psycopg.Error as error:
        remedy = "check the URL and that the server runs; a password comes from PGPASSWORD or ~/.pgpass"
        raise complain(
            url, "database", "a PostgreSQL server that lets you in", _tell(error), remedy
        ) from None
    try:
        yield connection
    finally:
        connection.disconnect()


@contextmanager
def _name_errors(name: str) -> Iterator[None]:
    """What a database says of a query, as an error that names table and remedy."""
    try:
        yield
    except SchemaError:
        raise
    except TableNotFound:
        remedy = "write the mapping's table as NAME or SCHEMA.NAME, as the database lists it"
        raise complain(name, "table", "a table or view", "none of this name", remedy) from None
    except Exception as error:
        # The drivers' errors share no base but this one, and PostgreSQL's driver need not be installed.
        remedy = "check the table, and the right to read it"
        raise complain(name, "table", "rows that can be read", _tell(error), remedy) from None


def _tell(error: Exception) -> str:
    """The first line of a driver's message, which may go on for a page."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
