"""Counts, sums and extremes of groups of rows."""

from collections.abc import Callable, Mapping
from typing import Any

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.compiled import compiled
from feature_pipeline.engine.memory.column import Column, both
from feature_pipeline.engine.memory.groups import Groups

Aggregate = Callable[[Groups, Column], Column]


def keep_where(column: Column, condition: Column) -> Column:
    """The column, unknown where the condition does not hold: no aggregate counts it then."""
    return Column(column.values, both(column.known, condition.holds()))


def count(groups: Groups, column: Column) -> Column:
    """How many values are known [num_groups] int64."""
    if column.known is None:
        return Column(np.diff(groups.starts, append=groups.num_rows))
    return Column(_reduce(np.add, groups, column.known.astype(np.int64)))


def count_distinct(groups: Groups, column: Column) -> Column:
    """How many different values are known [num_groups] int64."""
    rows = slice(None) if column.known is None else column.known
    group, value = groups.of_row[rows], column.values[rows]
    order = np.lexsort([value, group])
    group, value = group[order], value[order]
    is_new = np.ones(len(group), bool)
    is_new[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    return Column(np.bincount(group[is_new], minlength=len(groups.starts)))


def add_up(groups: Groups, column: Column) -> Column:
    """The sum of the known values, unknown where none is [num_groups]."""
    values = column.fill(0)
    sums = _reduce(np.add, groups, values.astype(np.int64) if values.dtype == bool else values)
    return Column(sums, None if column.known is None else _reduce(np.logical_or, groups, column.known))


def find_greatest(groups: Groups, column: Column) -> Column:
    """The greatest known value, unknown where none is [num_groups]."""
    return _find_extreme(groups, column, is_greatest=True)


def find_least(groups: Groups, column: Column) -> Column:
    """The least known value, unknown where none is [num_groups]."""
    return _find_extreme(groups, column, is_greatest=False)


AGGREGATES: Mapping[type[ops.Reduction], Aggregate] = {
    ops.CountStar: count,
    ops.Count: count,
    ops.CountDistinct: count_distinct,
    ops.Sum: add_up,
    ops.Max: find_greatest,
    ops.Min: find_least,
}


def find_limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The least and the greatest value of a type."""
    if np.issubdtype(dtype, np.integer):
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    return (False, True) if np.issubdtype(dtype, np.bool_) else (-np.inf, np.inf)


def _find_extreme(groups: Groups, column: Column, is_greatest: bool) -> Column:
    known = None if column.known is None else groups.arrange(column.known)
    values, is_known = _scan(groups.arrange(column.values), known, groups.starts, is_greatest)
    return Column(values, None if known is None else is_known)


@compiled
def _scan(
    values: np.ndarray, known: np.ndarray | None, starts: np.ndarray, is_greatest: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The extreme of each group's known values, and whether there is one; groups follow on each other."""
    extremes, is_known = np.zeros(len(starts), values.dtype), np.zeros(len(starts), np.bool_)
    for group, start in enumerate(starts):
        stop = starts[group + 1] if group + 1 < len(starts) else len(values)
        for row in range(start, stop):
            if known is not None and not known[row]:
                continue
            value, extreme = values[row], extremes[group]
            # NaN counts as greater than all else, as in SQL.
            greater = value > extreme or value != value
            less = value < extreme or extreme != extreme
            if not is_known[group] or (greater if is_greatest else less):
                extremes[group] = value
                is_known[group] = True
    return extremes, is_known


def _reduce(function: np.ufunc, groups: Groups, values: np.ndarray) -> np.ndarray:
    if not len(groups.starts):
        return values[:0]
    reduced: np.ndarray = function.reduceat(groups.arrange(values), groups.starts)
    return reduced
