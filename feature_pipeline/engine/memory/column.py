"""A column of numbers of which some may be unknown, as SQL has them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Mask = np.ndarray | None


@dataclass(frozen=True)
class Column:
    """Values and which of them are known.

    Attributes:
        values: int64, float64 or bool [num_rows], or one for all rows []; anything where unknown.
        known: bool [num_rows]; None where all are.
    """

    values: np.ndarray
    known: Mask = None

    def fill(self, value: float) -> np.ndarray:
        """The values, with `value` in place of what is unknown."""
        return self.values if self.known is None else np.where(self.known, self.values, value)

    def holds(self) -> np.ndarray:
        """Where a condition is known to hold [num_rows] bool."""
        return self.values if self.known is None else self.values & self.known


def both(one: Mask, other: Mask) -> Mask:
    """What is known where both are."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def compute(function: Callable[..., np.ndarray], *columns: Column) -> Column:
    """Applies arithmetic; what reads an unknown value is unknown."""
    known: Mask = None
    for column in columns:
        known = both(known, column.known)
    return Column(function(*[column.values for column in columns]), known)


def spread(column: Column, num_rows: int) -> Column:
    """One value as a column [num_rows]."""
    known = None if column.known is None else np.broadcast_to(column.known, num_rows)
    return Column(np.broadcast_to(column.values, num_rows), known)


def join(one: Column, other: Column) -> Column:
    """The values of one column, and behind them those of the other."""
    values = np.concatenate([one.values, other.values])
    if one.known is None and other.known is None:
        return Column(values)
    masks = [np.ones(len(c.values), bool) if c.known is None else c.known for c in (one, other)]
    return Column(values, np.concatenate(masks))
