"""A column of numbers of which some may be unknown, as SQL has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Mask = np.ndarray | None


@dataclass(frozen=True)
class Column:
    """Values and which of them are known.

    Attributes:
        values: int64, float64 or bool [num_rows]; anything where unknown.
        known: bool [num_rows]; None where all are.
    """

    values: np.ndarray
    known: Mask = None

    def take(self, rows: np.ndarray, found: Mask = None) -> "Column":
        """The values at `rows` [num_taken] int; unknown where not `found` [num_taken] bool."""
        if not len(self.values):
            return Column(np.zeros(len(rows), self.values.dtype), np.zeros(len(rows), bool))
        known = None if self.known is None else self.known[rows]
        return Column(self.values[rows], both(known, found))

    def fill(self, value: float) -> np.ndarray:
        """The values, with `value` in place of what is unknown."""
        return self.values if self.known is None else np.where(self.known, self.values, value)


def both(one: Mask, other: Mask) -> Mask:
    """What is known where both are."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def compute(function: Callable[..., np.ndarray], columns: Sequence[Column]) -> Column:
    """Applies arithmetic; what reads an unknown value is unknown."""
    known: Mask = None
    for column in columns:
        known = both(known, column.known)
    # What is unknown may divide by zero, and nobody reads it.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return Column(function(*(column.values for column in columns)), known)
