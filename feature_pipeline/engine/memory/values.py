"""What each operation on values does to columns."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.column import Column, both, compute
from feature_pipeline.engine.memory.errors import refuse

Function = Callable[..., Column]


def find_function(operation: Any) -> Function:
    """What computes an operation from the columns that it reads.

    Raises:
        UnsupportedExpressionError: the operation is not among those of this file.
    """
    if isinstance(operation, ops.Cast):
        kind = str(operation.to.copy(nullable=True))
        return _CASTS.get(kind) or refuse(operation, f"columns of {kind}")
    return _FUNCTIONS.get(type(operation)) or refuse(operation, "this operation")


def fill_first_known(*columns: Column) -> Column:
    """Row by row the first known value (SQL's COALESCE)."""
    found = columns[0]
    for column in columns[1:]:
        if found.known is None:
            return found
        known = None if column.known is None else found.known | column.known
        found = Column(np.where(found.known, found.values, column.values), known)
    return found


def forget_equal(column: Column, other: Column) -> Column:
    """The column, unknown where it equals the other (SQL's NULLIF)."""
    return Column(column.values, both(column.known, ~compute(_are_equal, column, other).holds()))


def choose(condition: Column, yes: Column, no: Column) -> Column:
    """The one where the condition holds, the other where it does not or is unknown."""
    holds = condition.holds()
    values = np.where(holds, yes.values, no.values)
    if yes.known is None and no.known is None:
        return Column(values)
    return Column(values, np.where(holds, _is_known(yes), _is_known(no)))


def take_extreme(function: np.ufunc, *columns: Column) -> Column:
    """Row by row the least, or the greatest, of the known values."""
    found = columns[0]
    for column in columns[1:]:
        values = function(found.values, column.values)
        if found.known is None and column.known is None:
            found = Column(values)
            continue
        knows_one, knows_other = _is_known(found), _is_known(column)
        values = np.where(knows_one, np.where(knows_other, values, found.values), column.values)
        found = Column(values, knows_one | knows_other)
    return found


def connect(decisive: bool, one: Column, other: Column) -> Column:
    """SQL's OR, which one true side decides, and AND, which one false side does."""
    values = one.holds() | other.holds() if decisive else one.fill(True) & other.fill(True)
    if one.known is None and other.known is None:
        return Column(values)
    knows_one, knows_other = _is_known(one), _is_known(other)
    decides = (knows_one & (one.values == decisive)) | (knows_other & (other.values == decisive))
    return Column(values, decides | (knows_one & knows_other))


def divide_whole(one: Column, other: Column) -> Column:
    """The quotient rounded down, by the division of floats that SQL writes for it; unknown of nothing."""
    return to_whole(np.floor, compute(np.true_divide, one, other))


def find_remainder(one: Column, other: Column) -> Column:
    """The remainder with the sign of the dividend, as SQL's; unknown of nothing."""
    remainder = compute(np.fmod, one, other)
    if remainder.values.dtype == np.float64:
        return remainder
    return Column(remainder.values, both(remainder.known, _differs_from_zero(other)))


def to_whole(rounded: np.ufunc, column: Column) -> Column:
    """Whole numbers; unknown where a float is none."""
    if column.values.dtype != np.float64:
        return Column(column.values.astype(np.int64), column.known)
    is_finite = np.isfinite(column.values)
    known = column.known if is_finite.all() else both(column.known, is_finite)
    return Column(rounded(column.values).astype(np.int64), known)


def _differs_from_zero(column: Column) -> np.ndarray | None:
    """None where all do, which is nearly always."""
    differs = column.values != 0
    return None if differs.all() else differs


def _is_known(column: Column) -> np.ndarray:
    return np.ones(column.values.shape, bool) if column.known is None else column.known


def _to(dtype: type[np.generic], column: Column) -> Column:
    return Column(column.values.astype(dtype, copy=False), column.known)


def _are_equal(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """As in SQL, NaN equals itself, and is greater than all else."""
    is_equal = one == other
    if one.dtype == other.dtype == np.float64:
        is_equal = is_equal | (np.isnan(one) & np.isnan(other))
    return np.asarray(is_equal)


def _is_less(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    is_less = one < other
    if other.dtype == np.float64:
        is_less = is_less | (np.isnan(other) & ~np.isnan(one))
    return np.asarray(is_less)


def _is_between(column: Column, low: Column, high: Column) -> Column:
    return connect(False, compute(_is_at_least, column, low), compute(_is_at_least, high, column))


def _is_at_least(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return ~_is_less(one, other)


def _call_libm(exact: Callable[[float], float], near: np.ufunc) -> Callable[[np.ndarray], np.ndarray]:
    """A function of the C library, which engines call; NumPy's own may differ in the last bit."""

    def call(values: np.ndarray) -> np.ndarray:
        values = values.astype(np.float64)
        found = np.array(near(values))
        is_finite = np.isfinite(found)
        found[is_finite] = [exact(value) for value in values[is_finite].tolist()]
        return found

    return call


# Of NumPy, or made of it; unknown wherever one of their arguments is.
_ARITHMETIC: Mapping[type[ops.Value], Callable[..., np.ndarray]] = {
    ops.Add: np.add,
    ops.Subtract: np.subtract,
    ops.Multiply: np.multiply,
    ops.Divide: np.true_divide,
    ops.Negate: np.negative,
    ops.Abs: np.abs,
    ops.Sqrt: np.sqrt,
    ops.Sin: _call_libm(math.sin, np.sin),
    ops.Cos: _call_libm(math.cos, np.cos),
    ops.Exp: _call_libm(math.exp, np.exp),
    ops.Ln: _call_libm(math.log, np.log),
    ops.Equals: _are_equal,
    ops.NotEquals: lambda one, other: ~_are_equal(one, other),
    ops.Less: _is_less,
    ops.LessEqual: lambda one, other: ~_is_less(other, one),
    ops.Greater: lambda one, other: _is_less(other, one),
    ops.GreaterEqual: _is_at_least,
    ops.Not: np.logical_not,
}
_FUNCTIONS: Mapping[type[ops.Value], Function] = {
    **{kind: partial(compute, function) for kind, function in _ARITHMETIC.items()},
    ops.FloorDivide: divide_whole,
    ops.Modulus: find_remainder,
    ops.Floor: partial(to_whole, np.floor),
    ops.Ceil: partial(to_whole, np.ceil),
    ops.Coalesce: fill_first_known,
    ops.NullIf: forget_equal,
    ops.IfElse: choose,
    # NaN counts as greater than all else.
    ops.Least: partial(take_extreme, np.fmin),
    ops.Greatest: partial(take_extreme, np.maximum),
    ops.Between: _is_between,
    ops.Or: partial(connect, True),
    ops.And: partial(connect, False),
    ops.IsNull: lambda column: Column(~_is_known(column)),
    ops.NotNull: lambda column: Column(_is_known(column)),
}
_CASTS: Mapping[str, Function] = {
    "int64": partial(to_whole, np.rint),
    "float64": partial(_to, np.float64),
    "boolean": partial(_to, np.bool_),
}
