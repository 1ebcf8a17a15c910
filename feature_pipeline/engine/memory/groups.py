"""Rows that share a key: what aggregates and running values are computed over."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.selection import Selection, take


@dataclass(frozen=True)
class Groups:
    """Rows in the order of their groups.

    Attributes:
        num_rows: of all groups.
        order: rows, group by group [num_rows] int64; None where they lie so already.
        starts: where each group starts in that order [num_groups] int64.
    """

    num_rows: int
    order: np.ndarray | None
    starts: np.ndarray

    @cached_property
    def of_row(self) -> np.ndarray:
        """The group of each row [num_rows] int64."""
        number = np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=self.num_rows))
        if self.order is None:
            return number
        of_row = np.empty_like(number)
        of_row[self.order] = number
        return of_row

    def arrange(self, values: np.ndarray) -> np.ndarray:
        """A column in the order of the groups [num_rows]."""
        return values if self.order is None else values[self.order]


def sort_rows(num_rows: int, *keys: Column) -> np.ndarray | None:
    """The order by keys [num_rows] int64, the first counts most, unknown ones last; None if they lie so."""
    parts = _list_parts(keys)
    if _is_ascending(parts, num_rows):
        return None
    return np.lexsort(parts[::-1])


def divide(num_rows: int, order: np.ndarray | None, *keys: Column) -> Groups:
    """Groups rows that were sorted by these keys, perhaps by others after them; without any all are one."""
    is_start = np.zeros(num_rows, bool)
    is_start[:1] = True
    for part in _list_parts(keys):
        ordered = part if order is None else part[order]
        is_start[1:] |= ordered[1:] != ordered[:-1]
    return Groups(num_rows, order, np.flatnonzero(is_start))


def group(num_rows: int, *keys: Column) -> Groups:
    """Groups rows by their keys."""
    return divide(num_rows, sort_rows(num_rows, *keys), *keys)


def count_groups(groups: Groups) -> int:
    """How many groups."""
    return len(groups.starts)


def select_first(groups: Groups) -> Selection:
    """One row of each group."""
    return Selection(
        len(groups.starts), groups.starts if groups.order is None else groups.order[groups.starts]
    )


def repeat_for_rows(column: Column, groups: Groups) -> Column:
    """The value of its group for each row [num_rows]."""
    return take(column, Selection(groups.num_rows, groups.of_row))


def _list_parts(keys: tuple[Column, ...]) -> list[np.ndarray]:
    """The arrays to compare; what is unknown is equal to itself and comes after all that is known."""
    parts = []
    for key in keys:
        parts += [key.values] if key.known is None else [~key.known, key.fill(0)]
    return parts


def _is_ascending(parts: list[np.ndarray], num_rows: int) -> bool:
    is_ascending = np.ones(max(num_rows - 1, 0), bool)
    for part in parts[::-1]:
        is_ascending &= part[1:] == part[:-1]
        is_ascending |= part[1:] > part[:-1]
    return bool(is_ascending.all())
