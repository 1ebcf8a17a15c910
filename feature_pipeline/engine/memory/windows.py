"""Values over a group's rows so far, all rows of the same instant included."""

from collections.abc import Callable, Mapping

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.aggregates import add_up, count, find_greatest, find_least, find_limits
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.groups import Groups, repeat_for_rows
from feature_pipeline.engine.memory.selection import Selection, take

# Of the first instant of each group, all instants, and a column.
Running = Callable[[np.ndarray, Groups, Column], Column]


def count_so_far(first: np.ndarray, instants: Groups, column: Column) -> Column:
    """How many values are known so far [num_rows] int64."""
    return repeat_for_rows(Column(_add_up(first, count(instants, column).values)), instants)


def add_up_so_far(first: np.ndarray, instants: Groups, column: Column) -> Column:
    """The sum of the known values so far, unknown where none is [num_rows] int64."""
    sums = add_up(instants, column)
    known = None
    if sums.known is not None:
        known = _add_up(first, sums.known.astype(np.int64)) > 0
    return repeat_for_rows(Column(_add_up(first, sums.fill(0)), known), instants)


def find_greatest_so_far(first: np.ndarray, instants: Groups, column: Column) -> Column:
    """The greatest known value so far, unknown where none is [num_rows] int64."""
    return _find_extreme(first, instants, find_greatest(instants, column), is_greatest=True)


def find_least_so_far(first: np.ndarray, instants: Groups, column: Column) -> Column:
    """The least known value so far, unknown where none is [num_rows] int64."""
    return _find_extreme(first, instants, find_least(instants, column), is_greatest=False)


RUNNING: Mapping[type[ops.Reduction], Running] = {
    ops.CountStar: count_so_far,
    ops.Count: count_so_far,
    ops.Sum: add_up_so_far,
    ops.Max: find_greatest_so_far,
    ops.Min: find_least_so_far,
}


def find_previous(groups: Groups, column: Column) -> Column:
    """The value of the row before, unknown at the start of a group [num_rows]."""
    order = np.arange(groups.num_rows) if groups.order is None else groups.order
    previous, has_one = np.empty_like(order), np.ones(groups.num_rows, bool)
    previous[order[1:]], previous[order[:1]] = order[:-1], -1
    has_one[order[groups.starts]] = False
    return take(column, Selection(groups.num_rows, previous, has_one))


def rank(groups: Groups, instants: Groups) -> Column:
    """How many rows of the group stand before the row's instant [num_rows] int64."""
    return Column(instants.starts[instants.of_row] - groups.starts[groups.of_row])


def find_first(groups: Groups, instants: Groups) -> np.ndarray:
    """The first instant of each group [num_groups] int64."""
    first: np.ndarray = np.searchsorted(instants.starts, groups.starts)
    return first


def _add_up(first: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums up to each instant, of values of each instant [num_instants] int64."""
    so_far = np.cumsum(values)
    before = so_far[first] - values[first]
    summed: np.ndarray = so_far - before[_number(first, len(values))]
    return summed


def _find_extreme(first: np.ndarray, instants: Groups, column: Column, is_greatest: bool) -> Column:
    """The extremes up to each instant, of those of each instant, for each row."""
    nothing = find_limits(column.values.dtype)[0 if is_greatest else 1]
    distinct, rank = np.unique(column.fill(nothing), return_inverse=True)
    if not is_greatest:
        distinct, rank = distinct[::-1], len(distinct) - 1 - rank
    # Each group's ranks lie above those of the groups before it, so that they begin anew.
    lift = _number(first, len(rank)) * len(distinct)
    values = distinct[np.maximum.accumulate(rank + lift) - lift]
    known = None
    if column.known is not None:
        known = _add_up(first, column.known.astype(np.int64)) > 0
    return repeat_for_rows(Column(values, known), instants)


def _number(first: np.ndarray, num_instants: int) -> np.ndarray:
    """The group of each instant [num_instants] int64."""
    return np.repeat(np.arange(len(first)), np.diff(first, append=num_instants))
