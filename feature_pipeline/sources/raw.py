"""What every reader returns: the three raw tables, as the files hold them."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class RawTable:
    """One raw table and where it came from, so that an error can name file and row.

    Attributes:
        frame: the columns under their raw names; the index is the 1-based line number in `file`.
        file: path of the file, as the user would recognise it.
    """

    frame: pd.DataFrame
    file: str


@dataclass(frozen=True)
class RawTables:
    """Users, items and interactions before they are mapped to the contract."""

    users: RawTable
    items: RawTable
    interactions: RawTable
