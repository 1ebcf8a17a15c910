"""Values over a group's rows, or over its rows so far, all rows of the same instant included."""

from typing import Any

import ibis.expr.operations as ops
import numpy as np
import pandas as pd

from feature_pipeline.engine.memory.aggregates import Evaluate, aggregate
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.groups import Groups, group

_LIMITS = np.iinfo(np.int64)


def compute_window(window: Any, evaluate: Evaluate, num_rows: int) -> Column:
    """One value for each row [num_rows].

    Args:
        window: over a whole group, or over its rows so far.
        evaluate: computes the columns that the window reads.
        num_rows: of the table.
    """
    if any(not key.ascending for key in window.order_by):
        refuse(window, "a descending order")
    keys = [evaluate(key).values for key in window.group_by]
    within = [evaluate(key.arg).values for key in window.order_by]
    groups = group(keys, num_rows, within)
    back = np.empty(num_rows, np.int64)
    back[groups.order] = np.arange(num_rows)
    return _compute_in_order(window, evaluate, groups, within).take(back)


def _compute_in_order(window: Any, evaluate: Evaluate, groups: Groups, within: list[np.ndarray]) -> Column:
    """The values in the order of the groups."""
    function, number = window.func, groups.number()
    if isinstance(function, ops.Lag) and function.offset is None and function.default is None:
        return _take_previous(evaluate(function.arg), groups)
    if isinstance(function, ops.MinRank):
        instants = group([number, *(column[groups.order] for column in within)], len(number))
        return Column(instants.starts[instants.number()] - groups.starts[number])
    if not within:
        return aggregate(function, evaluate, groups).take(number)
    if window.how != "range" or window.start is not None or not _is_current_row(window.end):
        refuse(window, "a frame other than the rows so far")
    return _accumulate(function, evaluate, groups, within)


def _is_current_row(boundary: Any) -> bool:
    return boundary is not None and isinstance(boundary.value, ops.Literal) and boundary.value.value == 0


def _take_previous(column: Column, groups: Groups) -> Column:
    """The value of the row before, unknown at the start of a group."""
    previous = np.roll(groups.order, 1)
    has_one = np.ones(len(previous), bool)
    has_one[groups.starts] = False
    return column.take(previous, has_one)


def _accumulate(function: Any, evaluate: Evaluate, groups: Groups, within: list[np.ndarray]) -> Column:
    """First over each instant, then over the instants so far."""
    number = groups.number()
    instants = group([number, *(column[groups.order] for column in within)], len(number))
    # The rows lie in the order of their groups, and so do the instants.
    of_instant = aggregate(function, evaluate, Groups(groups.order, instants.starts))
    group_of = pd.Series(number[instants.starts])
    if isinstance(function, ops.Max | ops.Min):
        is_greatest = isinstance(function, ops.Max)
        nothing = _LIMITS.min if is_greatest else _LIMITS.max
        running = pd.Series(of_instant.fill(nothing)).groupby(group_of)
        values = (running.cummax() if is_greatest else running.cummin()).to_numpy()
    else:
        values = pd.Series(of_instant.fill(0)).groupby(group_of).cumsum().to_numpy()
    known = None
    if of_instant.known is not None:
        known = pd.Series(of_instant.known).groupby(group_of).cummax().to_numpy()
    return Column(values, known).take(instants.number())
