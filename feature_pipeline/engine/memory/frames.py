"""Rows of numbers as operations read and return them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from feature_pipeline.engine.memory.column import Column, Mask
from feature_pipeline.engine.memory.states import LayeredStates, States


class Frame(Protocol):
    """Columns of one length by name."""

    @property
    def num_rows(self) -> int:
        """How many rows."""

    def get(self, name: str) -> Column:
        """One of the columns."""


@dataclass(frozen=True)
class Rows:
    """Columns that are there.

    Attributes:
        columns: by name.
        num_rows: how many rows each has.
    """

    columns: Mapping[str, Column]
    num_rows: int

    def get(self, name: str) -> Column:
        """One of the columns."""
        return self.columns[name]


@dataclass(frozen=True)
class Taken:
    """Some rows of another frame, each column taken when it is read.

    Attributes:
        frame: the other frame.
        rows: of it [num_rows] int.
        found: which of them are there at all [num_rows] bool; None for all.
    """

    frame: Frame
    rows: np.ndarray
    found: Mask = None

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return len(self.rows)

    def get(self, name: str) -> Column:
        """One of the columns; unknown where the row is not there."""
        return self.frame.get(name).take(self.rows, self.found)


@dataclass(frozen=True)
class Found:
    """States that were looked up, each column read when it is asked for.

    Attributes:
        states: where they were looked up.
        rows: as `States.look_up` found them [num_rows] int64, -1 for none.
        names: name of a column in `states`, by the name it has here.
    """

    states: States | LayeredStates
    rows: np.ndarray
    names: Mapping[str, str]

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return len(self.rows)

    def get(self, name: str) -> Column:
        """One of the columns; unknown where there was no state."""
        return Column(self.states.take(self.names[name], self.rows), self.rows >= 0)
