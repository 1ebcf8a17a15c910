"""Counts, sums and extremes of groups of rows."""

from collections.abc import Callable
from typing import Any

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.column import Column, Mask
from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.groups import Groups

Evaluate = Callable[[Any], Column]

_LIMITS = np.iinfo(np.int64)


def aggregate(operation: Any, evaluate: Evaluate, groups: Groups) -> Column:
    """One value for each group [num_groups].

    Args:
        operation: a reduction of Ibis.
        evaluate: computes the columns that it reads, for all rows.
        groups: of the rows.
    """
    read = None if isinstance(operation, ops.CountStar) else evaluate(operation.arg)
    counted = _find_counted(read, None if operation.where is None else evaluate(operation.where))
    if isinstance(operation, ops.CountStar | ops.Count):
        return Column(_count(counted, groups))
    assert read is not None
    function, nothing = _choose(operation, read.values.dtype)
    values = read.values.astype(np.int64) if read.values.dtype == bool else read.values
    if counted is not None:
        values = np.where(counted, values, nothing)
    reduced = function.reduceat(values[groups.order], groups.starts) if len(groups.starts) else values[:0]
    return Column(reduced, None if counted is None else _count(counted, groups) > 0)


def _choose(operation: Any, dtype: np.dtype[Any]) -> tuple[np.ufunc, float]:
    """How two values become one, and the value that changes nothing."""
    is_float = dtype == np.float64
    if isinstance(operation, ops.Sum):
        return np.add, 0
    if isinstance(operation, ops.Max):
        return np.maximum, -np.inf if is_float else _LIMITS.min
    if isinstance(operation, ops.Min):
        return np.minimum, np.inf if is_float else _LIMITS.max
    return refuse(operation, "this aggregate")


def _find_counted(read: Column | None, where: Column | None) -> Mask:
    """The rows that count: known, and not filtered out."""
    known = None if read is None else read.known
    if where is None:
        return known
    holds = where.fill(False).astype(bool)
    return holds if known is None else holds & known


def _count(counted: Mask, groups: Groups) -> np.ndarray:
    if counted is None:
        return np.diff(groups.starts, append=len(groups.order))
    if not len(groups.starts):
        return np.zeros(0, np.int64)
    counts: np.ndarray = np.add.reduceat(counted[groups.order].astype(np.int64), groups.starts)
    return counts
