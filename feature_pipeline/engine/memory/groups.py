"""Rows that share a key: what aggregates and running values are computed over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Groups:
    """Rows in the order of their groups.

    Attributes:
        order: rows, group by group and in the order asked within [num_rows] int.
        starts: where each group starts in `order` [num_groups] int.
    """

    order: np.ndarray
    starts: np.ndarray

    @property
    def first_rows(self) -> np.ndarray:
        """One row of each group [num_groups] int."""
        rows: np.ndarray = self.order[self.starts]
        return rows

    def number(self) -> np.ndarray:
        """The group of each place in `order` [num_rows] int."""
        is_start = np.zeros(len(self.order), np.int64)
        is_start[self.starts] = 1
        number: np.ndarray = np.cumsum(is_start) - 1
        return number


def group(keys: Sequence[np.ndarray], num_rows: int, within: Sequence[np.ndarray] = ()) -> Groups:
    """Groups rows.

    Args:
        keys: columns that rows of one group share [num_rows] each; without any there is one group.
        num_rows: how many rows there are.
        within: columns by which the rows of a group are ordered, the first counts most.
    """
    columns = [*keys, *within]
    order = np.lexsort(columns[::-1]) if columns else np.arange(num_rows)
    is_start = np.zeros(num_rows, bool)
    is_start[:1] = True
    for key in keys:
        ordered = key[order]
        is_start[1:] |= ordered[1:] != ordered[:-1]
    return Groups(order, np.flatnonzero(is_start))
