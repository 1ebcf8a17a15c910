"""CSV files read to the letter: every cell a string, every record at its line, nothing dropped."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_pipeline.schema import check_columns, complain
from feature_pipeline.sources.file_part import FilePart
from feature_pipeline.sources.gzipped import open_file
from feature_pipeline.sources.raw import build_refused

# Records are collected as Python strings and packed this many at a time, which bounds the memory.
_CHUNK = 20_000
_LONGEST_CELL = 2**31 - 1
_SURROGATE_OF_BYTE_0 = 0xDC00


@dataclass
class _Records:
    """The records of one file as they come: the good ones with their lines, the others with the reason."""

    path: Path
    delimiter: str
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    last_line: int = 0

    def iterate(self, rows: Iterator[str]) -> Iterator[list[str]]:
        """Yields the header and then every record that has as many fields as it; blank lines are none."""
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(rows, delimiter=self.delimiter, strict=True)
        width = 0
        while (record := self._read_one(reader)) is not None:
            if record and width in (0, len(record)):
                width = len(record)
                self.lines.append(self.last_line + 1)
                yield record
            elif record:
                reason = f"expected {width} fields, found {len(record)}"
                self.refused.append((self.last_line + 1, self.delimiter.join(record), reason))
            self.last_line = reader.line_num

    def _read_one(self, reader: Iterator[list[str]]) -> list[str] | None:
        """The next record; empty where it is no CSV, None at the end."""
        try:
            return next(reader, None)
        except csv.Error as error:
            line = self.last_line + 1
            if "end of data" in str(error):
                raise complain(
                    str(self.path),
                    f"line {line}",
                    "CSV with balanced double quotes",
                    "a quote that is opened here, or in a later line of the same record, and never closed",
                    "close it, or double the quotes within a cell",
                ) from None
            self.refused.append((line, "", f"not CSV: {error}"))
            return []


def read_csv(path: Path, wanted: Sequence[str], delimiter: str) -> FilePart:
    """Reads columns of a UTF-8 CSV file with a header, gzipped where its name ends so.

    Args:
        path: the file.
        wanted: names of the columns to read, in any order.
        delimiter: one character.

    Returns:
        The columns as strings, an empty cell missing, each record at the line where it starts (the header is
        line 1). A record with another number of fields than the header, or with broken quotes, is refused.

    Raises:
        SchemaError: the file is empty, damaged or not UTF-8, a column is missing or stands twice, or a quote
            is never closed; the remedy is in the message.
    """
    records = _Records(path, delimiter)
    # Bytes that are not UTF-8 pass as surrogates, so that the line at fault can be named.
    with open_file(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as rows:
        stream = records.iterate(rows)
        header = _read_header(path, stream)
        check_columns(str(path), header, wanted)
        places = [header.index(name) for name in wanted]
        chunks = [_pack([], wanted, range(len(wanted)))]
        while chunk := list(islice(stream, _CHUNK)):
            try:
                chunks.append(_pack(chunk, wanted, places))
            except UnicodeEncodeError:
                _check_utf8(path, records.lines[-len(chunk) :], chunk, places)
                raise
    refused = list(zip(*records.refused, strict=True)) or [(), (), ()]
    return FilePart(
        table=pa.concat_tables(chunks),
        rows=np.array(records.lines[1:], dtype=np.int64),
        refused=build_refused(*refused),
        length=records.last_line,
    )


def _read_header(path: Path, records: Iterator[list[str]]) -> list[str]:
    header = next(records, None)
    if header is None:
        raise complain(str(path), "line 1", "a header", "an empty file", "give a file that has rows")
    _check_utf8(path, [1], [header], range(len(header)))
    return header


def _check_utf8(
    path: Path, lines: Sequence[int], records: Sequence[Sequence[str]], places: Sequence[int]
) -> None:
    for line, record in zip(lines, records, strict=True):
        text = "".join([record[place] for place in places])
        try:
            text.encode()
        except UnicodeEncodeError as error:
            byte = ord(text[error.start]) - _SURROGATE_OF_BYTE_0
            found = f"the byte 0x{byte:02x}"
            remedy = "save the file again as UTF-8, as with iconv -f LATIN1 -t UTF-8"
            raise complain(str(path), f"line {line}", "UTF-8 text", found, remedy) from None


def _pack(records: Sequence[Sequence[str]], names: Sequence[str], places: Sequence[int]) -> pa.Table:
    columns = [pa.array([record[place] or None for record in records], pa.large_string()) for place in places]
    return pa.table(columns, names=list(names))
