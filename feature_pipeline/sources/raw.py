"""What every reader returns: the three raw tables, as the files hold them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from feature_pipeline.columns import read_text

# A refused line may be of any length; this much of it is enough to find it again.
_SHOWN_CHARACTERS = 200


def build_refused(
    rows: Sequence[int] = (), values: Sequence[str] = (), reasons: Sequence[str] = ()
) -> pd.DataFrame:
    """Table of the lines a reader could not read: `value` (its beginning) and `reason`, indexed by line."""
    # Bytes that are not UTF-8 may stand in it as surrogates, which no string column holds.
    shown = [value[:_SHOWN_CHARACTERS].encode(errors="replace").decode() for value in values]
    index = pd.Index(list(rows), dtype="int64")
    return pd.DataFrame({"value": shown, "reason": list(reasons)}, index=index, dtype="str")


@dataclass(frozen=True)
class RawTable:
    """One raw table and where it came from, so that an error can name file and row.

    Attributes:
        frame: the columns under their raw names; the index is the 1-based line number in `file`, or the row
            number where the file has no lines. Several files count as one, in the order of their names.
        file: path of the file, as the user would recognise it.
        refused: lines of the file that are no rows at all, see `build_refused`; none of them is in `frame`.
    """

    frame: pd.DataFrame
    file: str
    refused: pd.DataFrame = field(default_factory=build_refused)


@dataclass(frozen=True)
class RawTables:
    """Users, items and interactions before they are mapped to the contract."""

    users: RawTable
    items: RawTable
    interactions: RawTable


def take_distinct(interactions: RawTable, column: str, key: str | None = None) -> RawTable:
    """The ids in a column of the interactions, each once at its first row, as a table of that one column.

    Args:
        interactions: the raw table.
        column: raw name.
        key: name of the result's column; the same where it is left out.
    """
    ids = read_text(interactions.frame[column]).dropna().drop_duplicates()
    return RawTable(ids.to_frame(key or column), interactions.file)
