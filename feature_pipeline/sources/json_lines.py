"""Files of one JSON object a line, or of one Python literal a line, gzipped or not."""

import ast
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from feature_pipeline.sources.file_part import FilePart
from feature_pipeline.sources.gzipped import open_file
from feature_pipeline.sources.raw import build_refused

Record = dict[str, Any]

# Records are packed this many at a time, which bounds the memory.
_CHUNK = 20_000
# `ast.literal_eval` answers a line that is no literal with any of these.
_ERRORS_OF_A_LINE = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)
_BROKEN = "not one JSON object (or Python dictionary) in UTF-8"


def read_json_lines(
    path: Path, columns: Sequence[str], get_cells: Callable[[Record], Sequence[str | None]]
) -> FilePart:
    """Reads a file of one object a line.

    Args:
        path: `.gz` is unpacked on the way.
        columns: names of the table's columns.
        get_cells: makes a row of them, in that order, from an object.

    Returns:
        A row for each object, at its line, all strings. A line that holds no object is refused; blank lines
        do not count.

    Raises:
        SchemaError: the file is damaged; copy it again.
    """
    lines: list[int] = []
    refused: list[tuple[int, str, str]] = []
    chunks = [_pack([], columns)]
    last_line = 0

    def parse(rows: Iterator[bytes]) -> Iterator[Sequence[str | None]]:
        nonlocal last_line
        for last_line, row in enumerate(rows, start=1):
            record = parse_line(row)
            if record is not None:
                lines.append(last_line)
                yield get_cells(record)
            elif row.strip():
                refused.append((last_line, row.decode(errors="replace").rstrip("\r\n"), _BROKEN))

    cells = parse(read_lines(path))
    while chunk := list(islice(cells, _CHUNK)):
        chunks.append(_pack(chunk, columns))
    return FilePart(
        table=pa.concat_tables(chunks),
        rows=np.array(lines, dtype=np.int64),
        refused=build_refused(*(list(zip(*refused, strict=True)) or [(), (), ()])),
        length=last_line,
    )


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, gzipped or not.

    Raises:
        SchemaError: it cannot be read, or is no whole gzip file; copy it again.
    """
    with open_file(path, "rb") as rows:
        yield from rows


def parse_line(line: bytes) -> Record | None:
    """The object of one line; None where it holds none."""
    try:
        text = line.decode("utf-8-sig")
        try:
            record = json.loads(text)
        except ValueError:
            record = ast.literal_eval(text.strip())
    except _ERRORS_OF_A_LINE:
        return None
    return record if isinstance(record, dict) else None


def as_text(value: Any) -> str | None:
    """A cell: text as it stands, but for halves of characters that UTF-8 cannot hold."""
    return None if value is None else str(value).encode(errors="replace").decode()


def _pack(rows: Sequence[Sequence[str | None]], columns: Sequence[str]) -> pa.Table:
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pa.table([pa.array(column, pa.large_string()) for column in cells], names=list(columns))
