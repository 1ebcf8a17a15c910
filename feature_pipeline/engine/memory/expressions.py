"""Values of a table as steps of a plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.aggregates import AGGREGATES, keep_where
from feature_pipeline.engine.memory.column import Column, spread
from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.groups import divide, repeat_for_rows, sort_rows
from feature_pipeline.engine.memory.plan import Plan
from feature_pipeline.engine.memory.values import find_function
from feature_pipeline.engine.memory.windows import RUNNING, find_first, find_previous, rank

_TRUE = ibis.literal(True).op()


@dataclass(frozen=True)
class Frame:
    """A table in a plan; what nobody asks for is not computed.

    Attributes:
        read: the slot of a column by name.
        count: the slot of the number of rows.
    """

    read: Callable[[str], int]
    count: Callable[[], int]


class Expressions:
    """Compiles values over the columns of some tables that share their rows.

    Args:
        plan: takes the steps.
        frames: the tables, by relation.
        count: the slot of the number of rows.
        aggregate: compiles reductions, where the rows are groups.
    """

    def __init__(
        self,
        plan: Plan,
        frames: Mapping[Any, Frame],
        count: Callable[[], int],
        aggregate: Callable[[Any], int] | None = None,
    ):
        self._plan = plan
        self._frames = frames
        self._count = count
        self._aggregate = aggregate
        self._slots: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        """The slot of a column [num_rows]."""
        slot = self._compile(value)
        return slot if self._plan.get_constant(slot) is None else self._spread(slot)

    def compile_key(self, value: Any) -> int:
        """The slot of a column by which rows are sorted, grouped or joined."""
        check_key(value)
        return self(value)

    def compile_aggregate(self, reduction: Any, groups: int) -> int:
        """The slot of one value for each group.

        Args:
            reduction: over the rows.
            groups: slot of their groups.
        """
        function = AGGREGATES.get(type(reduction)) or refuse(reduction, "this aggregate")
        return self._plan.add(function, groups, self._compile_counted(reduction))

    def _compile(self, value: Any) -> int:
        """The slot of a column, or of one number that stands for all rows."""
        if value not in self._slots:
            slot = self._compile_new(value)
            constant = self._plan.get_constant(slot)
            is_unknown = constant is not None and constant.known is not None
            self._slots[value] = self._spread(slot) if is_unknown else slot
        return self._slots[value]

    def _compile_new(self, value: Any) -> int:
        if isinstance(value, ops.Field):
            return self._frames[value.rel].read(value.name)
        if isinstance(value, ops.Literal):
            return self._plan.add(_make_literal, self._plan.hold(value.value))
        if isinstance(value, ops.Alias):
            return self._compile(value.arg)
        if isinstance(value, ops.WindowFunction):
            return self._compile_window(value)
        if self._aggregate is not None and isinstance(value, ops.Reduction):
            return self._aggregate(value)
        function, (first, *others) = find_function(value), _list_arguments(value)
        # Only these return their first argument as it is, and it may be longer than one number.
        is_returned = isinstance(value, ops.Coalesce | ops.NullIf)
        slot = self(first) if is_returned else self._compile(first)
        return self._plan.add(function, slot, *[self._compile(other) for other in others])

    def _compile_window(self, window: Any) -> int:
        """One value for each row, over its group or the group's rows so far."""
        plan, function = self._plan, window.func
        keys = [self.compile_key(key) for key in window.group_by]
        within = [self.compile_key(_get_ascending(key)) for key in window.order_by]
        order = plan.add(sort_rows, self._count(), *keys, *within)
        groups = plan.add(divide, self._count(), order, *keys)
        instants = plan.add(divide, self._count(), order, *keys, *within)
        if isinstance(function, ops.MinRank):
            return plan.add(rank, groups, instants)
        if isinstance(function, ops.Lag):
            if function.offset is not None or function.default is not None:
                refuse(function, "a lag of anything but the row before")
            return plan.add(find_previous, groups, self(function.arg))
        if not isinstance(function, ops.Reduction):
            refuse(function, "this window function")
        if window.start is None and window.end is None:
            return plan.add(repeat_for_rows, self.compile_aggregate(function, groups), groups)
        if window.how != "range" or window.start is not None or not _is_current_row(window.end):
            refuse(window, "a frame other than the rows so far")
        running = RUNNING.get(type(function)) or refuse(function, "this running value")
        for read in function.args:
            if isinstance(read, ops.Value) and read.dtype.is_floating():
                refuse(function, "running values of floats, which add up differently in every order")
        first = plan.add(find_first, groups, instants)
        return plan.add(running, first, instants, self._compile_counted(function))

    def _compile_counted(self, reduction: Any) -> int:
        """The column that a reduction reads, unknown where its condition does not hold."""
        column = self(_TRUE if isinstance(reduction, ops.CountStar) else reduction.arg)
        return (
            column if reduction.where is None else self._plan.add(keep_where, column, self(reduction.where))
        )

    def _spread(self, slot: int) -> int:
        return self._plan.add(spread, slot, self._count())


def check_key(value: Any) -> None:
    """Refuses keys of floats."""
    if not (value.dtype.is_integer() or value.dtype.is_boolean()):
        refuse(value, f"keys of type {value.dtype}")


def _list_arguments(value: Any) -> list[Any]:
    """What an operation reads, those of a list one by one."""
    listed = [argument if isinstance(argument, tuple) else (argument,) for argument in value.args]
    return [a for arguments in listed for a in arguments if isinstance(a, ops.Value)]


def _get_ascending(key: Any) -> Any:
    """The value of an order that ascends, unknown ones last."""
    return key.arg if key.ascending and not key.nulls_first else refuse(key, "a descending order")


def _is_current_row(boundary: Any) -> bool:
    return boundary is not None and isinstance(boundary.value, ops.Literal) and boundary.value.value == 0


def _make_literal(value: Any) -> Column:
    return Column(np.asarray(0), np.asarray(False)) if value is None else Column(np.asarray(value))
