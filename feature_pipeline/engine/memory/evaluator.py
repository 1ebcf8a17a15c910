"""Values of one table, computed over its columns."""

from collections.abc import Callable
from typing import Any

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.column import Column, compute
from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.values import (
    ARITHMETIC,
    choose,
    connect,
    fill_first_known,
    forget_equal,
    take_least,
)
from feature_pipeline.engine.memory.windows import compute_window

_DTYPES = {"int64": np.int64, "float64": np.float64, "boolean": np.bool_}


class Evaluator:
    """Computes columns, each once.

    Args:
        num_rows: of the table.
        read: a column of a table.
        aggregate: computes reductions, where the table is one of groups.
    """

    def __init__(
        self,
        num_rows: int,
        read: Callable[[Any, str], Column],
        aggregate: Callable[[Any], Column] | None = None,
    ):
        self._num_rows = num_rows
        self._read = read
        self._aggregate = aggregate
        self._known: dict[Any, Column] = {}

    def __call__(self, value: Any) -> Column:
        """The column of an expression [num_rows]."""
        column = self._evaluate(value)
        if column.values.ndim:
            return column
        known = None if column.known is None else np.broadcast_to(column.known, self._num_rows)
        return Column(np.broadcast_to(column.values, self._num_rows), known)

    def _evaluate(self, value: Any) -> Column:
        """The column, or one number that stands for all rows []."""
        found = self._known.get(value)
        if found is None:
            found = self._known[value] = self._compute(value)
        return found

    def _compute(self, value: Any) -> Column:
        kind = type(value)
        if kind is ops.Field:
            return self._read(value.rel, value.name)
        if kind in ARITHMETIC:
            return compute(ARITHMETIC[kind], [self._evaluate(argument) for argument in value.args])
        if kind in _OTHERS:
            return _OTHERS[kind](self._evaluate, value)
        if kind is ops.WindowFunction:
            return compute_window(value, self, self._num_rows)
        if self._aggregate is not None and isinstance(value, ops.Reduction):
            return self._aggregate(value)
        return refuse(value, "this operation")


def _cast(column: Column, to: str) -> Column:
    if to not in _DTYPES:
        refuse(to, f"a column of {to}")
    values = column.values
    with np.errstate(invalid="ignore"):
        is_rounded = to == "int64" and values.dtype == np.float64
        return Column((np.rint(values) if is_rounded else values).astype(_DTYPES[to]), column.known)


def _make_literal(value: Any) -> Column:
    return Column(np.asarray(0), np.asarray(False)) if value is None else Column(np.asarray(value))


def _is_known(column: Column) -> np.ndarray:
    return np.asarray(True) if column.known is None else column.known


_Evaluate = Callable[[Any], Column]
_OTHERS: dict[type, Callable[[_Evaluate, Any], Column]] = {
    ops.Literal: lambda evaluate, op: _make_literal(op.value),
    ops.Alias: lambda evaluate, op: evaluate(op.arg),
    ops.Cast: lambda evaluate, op: _cast(evaluate(op.arg), str(op.to.copy(nullable=True))),
    ops.Coalesce: lambda evaluate, op: fill_first_known([evaluate(value) for value in op.arg]),
    ops.NullIf: lambda evaluate, op: forget_equal(evaluate(op.arg), evaluate(op.null_if_expr)),
    ops.IfElse: lambda evaluate, op: choose(
        evaluate(op.bool_expr), evaluate(op.true_expr), evaluate(op.false_null_expr)
    ),
    ops.Least: lambda evaluate, op: take_least([evaluate(value) for value in op.arg], False),
    ops.Greatest: lambda evaluate, op: take_least([evaluate(value) for value in op.arg], True),
    ops.Or: lambda evaluate, op: connect(evaluate(op.left), evaluate(op.right), True),
    ops.And: lambda evaluate, op: connect(evaluate(op.left), evaluate(op.right), False),
    ops.IsNull: lambda evaluate, op: Column(~_is_known(evaluate(op.arg))),
    ops.NotNull: lambda evaluate, op: Column(_is_known(evaluate(op.arg))),
}
