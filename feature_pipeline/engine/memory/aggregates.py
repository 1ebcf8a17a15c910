"""Counts, sums and extremes of groups of rows."""

from collections.abc import Callable, Mapping
from typing import Any

import ibis.expr.operations as ops
import numpy as np

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
    return _reduce_known(np.add, groups, column, values.astype(np.int64) if values.dtype == bool else values)


def find_greatest(groups: Groups, column: Column) -> Column:
    """The greatest known value, unknown where none is [num_groups]."""
    return _reduce_known(np.maximum, groups, column, column.fill(find_limits(column.values.dtype)[0]))


def find_least(groups: Groups, column: Column) -> Column:
    """The least known value, unknown where none is [num_groups]."""
    # NaN counts as greater than all else, as in SQL.
    return _reduce_known(np.fmin, groups, column, column.fill(find_limits(column.values.dtype)[1]))


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


def _reduce_known(function: np.ufunc, groups: Groups, column: Column, values: np.ndarray) -> Column:
    known = None if column.known is None else _reduce(np.logical_or, groups, column.known)
    return Column(_reduce(function, groups, values), known)


def _reduce(function: np.ufunc, groups: Groups, values: np.ndarray) -> np.ndarray:
    if not len(groups.starts):
        return values[:0]
    reduced: np.ndarray = function.reduceat(groups.arrange(values), groups.starts)
    return reduced
