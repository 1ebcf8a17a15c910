"""Reader of any tables: CSV and Parquet files, DuckDB databases and PostgreSQL, as the YAML places them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from feature_pipeline.dataset_config import DatasetConfig, Place
from feature_pipeline.schema import check_columns, complain
from feature_pipeline.sources.csv_files import read_csv
from feature_pipeline.sources.databases import read_database
from feature_pipeline.sources.file_part import FilePart, join_parts, number_rows
from feature_pipeline.sources.raw import RawTable, RawTables, take_distinct

_DELIMITERS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_PARQUET = (".parquet", ".pq")
_SUFFIXES = (*_DELIMITERS, *_PARQUET)


def read(config: DatasetConfig) -> RawTables:
    """Reads the three tables from where the mappings say they lie.

    Only the columns that the mapping names are read. Users or items without a place are the distinct ids
    of the interactions, each at the row of the first.

    Args:
        config: a data set with `reader: tables`.

    Returns:
        CSV cells are strings, an empty one missing; Parquet and database columns keep their types.

    Raises:
        SchemaError: a file, database table or column is missing or cannot be read.
        UserError: PostgreSQL is asked for and its driver is not installed.
    """
    root, events = Path(config.root), config.interactions
    interactions = read_place(root, events, events.columns)
    return RawTables(
        users=read_place(root, config.users, config.users.columns)
        if config.users.is_placed
        else take_distinct(interactions, events.user_id, config.users.key),
        items=read_place(root, config.items, config.items.columns)
        if config.items.is_placed
        else take_distinct(interactions, events.item_id, config.items.key),
        interactions=interactions,
    )


def read_place(root: Path, place: Place, columns: Sequence[str]) -> RawTable:
    """Reads some columns of the table at `place`.

    Args:
        root: folder that relative paths start from.
        place: where the table lies.
        columns: raw names.

    Raises:
        SchemaError: see `read`.
    """
    if place.file is None:
        table, name = read_database(root, str(place.database), str(place.table), columns)
        return join_parts([number_rows(table)], name)
    paths = _find_files(root, place.file)
    name = str(paths[0]) if len(paths) == 1 else str(root / place.file)
    return join_parts([_read_file(path, columns, place.delimiter) for path in paths], name)


def _find_files(root: Path, file: str) -> list[Path]:
    """The file itself, all tables in the folder, or all that match the pattern; sorted by name."""
    path = root / file
    if path.is_file():
        return [path]
    if path.is_dir():
        tables = [entry for entry in path.rglob("*") if entry.name.lower().endswith(_SUFFIXES)]
    else:
        base = Path(path.anchor) if Path(file).is_absolute() else root
        tables = list(base.glob(str(path.relative_to(base))))
    # Programs that write folders of files put their own notes under such names.
    found = sorted(entry for entry in tables if entry.is_file() and not entry.name.startswith(("_", ".")))
    if not found:
        expected = "a file, a folder of tables, or a pattern such as sales/*.parquet"
        raise complain(str(path), "file", expected, "none there", "check dataset.root and the mapping's file")
    return found


def _read_file(path: Path, columns: Sequence[str], delimiter: str | None) -> FilePart:
    suffix = next((end for end in _SUFFIXES if path.name.lower().endswith(end)), None)
    if suffix is None:
        expected = f"a file that ends with {', '.join(_SUFFIXES)}"
        raise complain(str(path), "file", expected, repr(path.name), "convert or rename the file")
    if suffix in _PARQUET:
        return _read_parquet(path, columns)
    try:
        return read_csv(path, columns, delimiter or _DELIMITERS[suffix])
    except OSError as error:
        raise complain(
            str(path), "file", "a readable file", str(error.strerror or error), "check it"
        ) from None


def _read_parquet(path: Path, columns: Sequence[str]) -> FilePart:
    try:
        with pq.ParquetFile(path) as file:
            check_columns(str(path), file.schema_arrow.names, columns)
            return number_rows(file.read(columns=list(columns)))
    except (pa.ArrowException, OSError) as error:
        remedy = "write or copy the file again"
        raise complain(str(path), "content", "a whole Parquet file", str(error), remedy) from None
