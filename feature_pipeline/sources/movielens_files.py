"""The two kinds of MovieLens file: plain lines of separated fields, and CSV with quoted text."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.schema import SchemaError, complain
from feature_pipeline.sources.raw import RawTable

# ASCII "unit separator": one byte, so that the fast parser takes it, and one that no title contains.
_UNIT_SEPARATOR = b"\x1f"


def read_delimited(
    path: Path, separator: str, columns: Sequence[str] | None = None, numeric: Sequence[str] = ()
) -> RawTable:
    """Reads a Latin-1 file of unquoted fields, as the MovieLens `.dat`, `u.*` and rating files are.

    Args:
        path: the file.
        separator: what stands between two fields; may be longer than one character (`::`).
        columns: names of the fields; without it the first line holds them.
        numeric: columns to read as numbers, which is faster; one that holds anything else comes as `str`.

    Returns:
        One row a line, in file order; the columns not in `numeric` are `str`; an empty field is missing.

    Raises:
        SchemaError: if the file is empty or a line has another number of fields; repair or delete the line.
    """
    data = path.read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n")
    _check_not_empty(path, data)
    data = data.replace(separator.encode("latin-1"), _UNIT_SEPARATOR)
    header_lines = 0 if columns else 1
    names = columns or _read_header(data)
    _check_field_counts(path, data, len(names))
    frame = pd.read_csv(
        io.BytesIO(data),
        sep=_UNIT_SEPARATOR.decode(),
        names=list(names),
        skiprows=header_lines,
        dtype={name: "str" for name in names if name not in numeric},
        encoding="latin-1",
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        na_values=[""],
        lineterminator="\n",
        low_memory=False,
    )
    frame.index += 1 + header_lines
    return RawTable(frame, str(path))


def read_quoted_csv(path: Path) -> RawTable:
    """Reads a UTF-8 CSV file with a header, whose quoted fields may hold commas and line breaks.

    Returns:
        One row a record, in file order, at the line where the record starts; column names in
        snake_case (`movieId` -> `movie_id`); every column `str`, an empty field is missing.

    Raises:
        SchemaError: if the file is empty or not UTF-8, a quote is not closed, or a record has another
            number of fields than the header; repair the line or save the file again as UTF-8 CSV.
    """
    text = _decode_utf8(path).rstrip("\r\n")
    _check_not_empty(path, text)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    records: list[list[str]] = []
    line = 1
    try:
        for record in reader:
            lines.append(line)
            records.append(record)
            line = reader.line_num + 1
    except csv.Error as error:
        balanced = "CSV with balanced double quotes"
        raise complain(str(path), f"line {line}", balanced, str(error), "repair the line") from error
    _check_record_lengths(path, lines, records)
    names = [_snake_case(name) for name in records[0]]
    frame = pd.DataFrame(records[1:], index=pd.Index(lines[1:]), columns=names, dtype="str")
    return RawTable(frame.mask(frame == ""), str(path))


def check_columns(table: RawTable, expected: Sequence[str]) -> None:
    """Checks that the header of a file names the expected columns.

    Raises:
        SchemaError: if one is absent; rename the column in the file's header.
    """
    missing = [name for name in expected if name not in table.frame.columns]
    if missing:
        raise complain(
            table.file,
            "line 1",
            f"the columns {', '.join(expected)}",
            f"{', '.join(table.frame.columns)} (without {', '.join(missing)})",
            "rename the columns in the header",
        )


def _read_header(data: bytes) -> list[str]:
    line = data.split(b"\n", maxsplit=1)[0].decode("utf-8-sig", errors="replace")
    return [_snake_case(name) for name in line.split(_UNIT_SEPARATOR.decode())]


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()


def _decode_utf8(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{data[error.start]:02x}"
        raise complain(
            str(path), f"line {line}", "UTF-8 text", found, "save the file again as UTF-8"
        ) from error


def _check_not_empty(path: Path, content: bytes | str) -> None:
    if not content:
        raise complain(str(path), "line 1", "one record a line", "an empty file", "download the file again")


def _check_field_counts(path: Path, data: bytes, expected: int) -> None:
    """Counts the separators of every line; the fast parser would pad short lines in silence."""
    characters = np.frombuffer(data, dtype=np.uint8)
    line_ends = np.append(np.flatnonzero(characters == ord("\n")), characters.size)
    separators = np.flatnonzero(characters == ord(_UNIT_SEPARATOR))
    found = 1 + np.diff(np.searchsorted(separators, line_ends), prepend=0)
    malformed = np.flatnonzero(found != expected)
    if malformed.size:
        raise _malformed_line(path, int(malformed[0]) + 1, expected, int(found[malformed[0]]), malformed.size)


def _check_record_lengths(path: Path, lines: Sequence[int], records: Sequence[Sequence[str]]) -> None:
    expected = len(records[0])
    malformed = [index for index, record in enumerate(records) if len(record) != expected]
    if malformed:
        first = malformed[0]
        raise _malformed_line(path, lines[first], expected, len(records[first]), len(malformed))


def _malformed_line(path: Path, line: int, expected: int, found: int, count: int) -> SchemaError:
    others = f" (and {count - 1} more malformed lines)" if count > 1 else ""
    return complain(
        str(path), f"line {line}", f"{expected} fields", f"{found}{others}", "repair or delete the line"
    )
