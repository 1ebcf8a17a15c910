"""Hypothesis strategies for the CSV files that a data set of bad tables consists of."""

import csv
import io
from dataclasses import dataclass

from hypothesis import strategies as st

COLUMNS = {
    "users": ("user", "age", "joined", "kinds"),
    "items": ("item", "name", "age", "joined", "kinds"),
    "events": ("user", "item", "at", "stars", "device", "said"),
}
IDS = ["a", "007", "7"]
GOOD = {
    "user": st.sampled_from(IDS),
    "item": st.sampled_from(IDS),
    "name": st.sampled_from(["Blue cup", "Löwe", "本", 'A "B"', "two\nlines", ""]),
    "age": st.sampled_from(["1", "2.5", "-3e2", ""]),
    "joined": st.sampled_from(["2024-01-05", "2024-01-05T10:00:00+02:00", "1700000000", ""]),
    "kinds": st.sampled_from(["cup", "cup|blue", "|", ""]),
    "at": st.sampled_from(["2024-03-01", "2024-03-02T10:00:00Z", "1700000000", "20240301"]),
    "stars": st.sampled_from(["1", "2", "4.5", "5"]),
    "device": st.sampled_from(["phone", "desk", ""]),
    "said": st.sampled_from(["fine", "so, so", ""]),
}
DIRT = st.one_of(
    st.sampled_from(
        [
            *("", " ", "?", "nan", "NaN", "NULL", "None", "inf", "-inf", "1e999", "-1", "0", "1e300", "true"),
            *("9999999999999999999999", "-9223372036854775808", "2**9", "0x10", "1_000", "٣", "1,5", "\x00"),
            *("2999-01-01", "0000-00-00", "-0001-01-01", "2024-02-30", "24:00", "yesterday", "99991231"),
            *("\ufeff", "\u202e", "é", "\U0001f600", '"', "'", "\\", "\t", "\r\n", "#", "x" * 200_000, "{a}"),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
# Lines that no CSV writer writes; each is one record all the same.
BROKEN = st.sampled_from(['"a"b,c', '"" "",x', "a,b", 'a"b', ",,,,,,,,,,,,", "a;b;c", "\x00"])


@dataclass(frozen=True)
class Table:
    """The bytes of a file and how many records stand below its header."""

    content: bytes
    num_rows: int


@st.composite
def rows(draw: st.DrawFn, columns: tuple[str, ...], row: int) -> str:
    """One line (or more, where a cell holds line breaks): mostly good, or with dirt, ragged, or broken."""
    damage = draw(st.sampled_from([*["none"] * 6, *["dirt"] * 3, "ragged", "broken"]))
    if damage == "broken":
        return draw(BROKEN) + "\n"
    cells = [draw(GOOD[name]) for name in columns]
    if columns != COLUMNS["events"]:
        cells[0] = IDS[row] if row < len(IDS) else f"u{row}"  # a key stands twice only by damage
    if damage == "dirt":
        place = draw(st.integers(0, len(cells) - 1))
        cells[place] = draw(DIRT)
    if damage == "ragged":
        cells = draw(st.sampled_from([cells[:1], cells[:-1], [*cells, ""], [*cells, *cells]]))
    return write_line(cells)


def write_line(cells: list[str] | tuple[str, ...]) -> str:
    stream = io.StringIO()
    # Only with this ending are cells that hold either of its characters put in quotes.
    csv.writer(stream, lineterminator="\r\n").writerow(cells)
    return stream.getvalue()


@st.composite
def tables(draw: st.DrawFn, name: str) -> Table:
    """A file for the table `name`: sometimes with a bad header, another encoding, or nothing in it."""
    header = list(COLUMNS[name])
    num_rows = draw(st.sampled_from([1, 4, 8, 12, 16]))
    lines = [draw(rows(COLUMNS[name], row)) for row in range(num_rows)]
    damage = draw(
        st.sampled_from(
            [None] * 40 + ["missing", "doubled", "case", "empty", "bare", "latin", "wide", "bytes"]
        )
    )
    if damage == "missing":
        header[draw(st.integers(0, len(header) - 1))] = "other"
    if damage == "doubled":
        header[draw(st.integers(0, len(header) - 1))] = header[0]
    if damage == "case":
        header = [column.upper() for column in header]
    blank = draw(st.sampled_from(["", "", "\n", "\r\n"]))
    text = write_line(header) + blank.join(lines) + blank
    if damage == "empty":
        return Table(draw(st.sampled_from([b"", b"\n", b"\xef\xbb\xbf"])), 0)
    if damage == "bare":
        return Table(write_line(header).encode(), 0)
    if damage == "bytes":
        line = b"x" + draw(st.binary(max_size=20)).translate(None, delete=b'"\r\n')
        return Table(text.encode() + line + b"\n", num_rows + 1)
    encoding = {"latin": "latin-1", "wide": "utf-16"}.get(
        str(damage), draw(st.sampled_from(["utf-8", "utf-8-sig"]))
    )
    return Table(text.encode(encoding, errors="replace"), num_rows)
