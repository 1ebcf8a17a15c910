"""What each operation on values does to columns."""

from collections.abc import Callable, Mapping, Sequence

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.column import Column, compute

# Operations that are unknown wherever one of their arguments is.
ARITHMETIC: Mapping[type[ops.Value], Callable[..., np.ndarray]] = {
    ops.Add: np.add,
    ops.Subtract: np.subtract,
    ops.Multiply: np.multiply,
    ops.Divide: np.true_divide,
    # SQL's remainder has the sign of the dividend.
    ops.FloorDivide: np.floor_divide,
    ops.Modulus: np.fmod,
    ops.Negate: np.negative,
    ops.Abs: np.abs,
    ops.Sqrt: np.sqrt,
    ops.Sin: np.sin,
    ops.Cos: np.cos,
    ops.Exp: np.exp,
    ops.Ln: np.log,
    ops.Floor: np.floor,
    ops.Ceil: np.ceil,
    ops.Equals: np.equal,
    ops.NotEquals: np.not_equal,
    ops.Greater: np.greater,
    ops.GreaterEqual: np.greater_equal,
    ops.Less: np.less,
    ops.LessEqual: np.less_equal,
    ops.Not: np.logical_not,
}


def fill_first_known(columns: Sequence[Column]) -> Column:
    """Row by row the first known value (SQL's COALESCE)."""
    found = columns[0]
    for column in columns[1:]:
        if found.known is None:
            return found
        known = None if column.known is None else found.known | column.known
        found = Column(np.where(found.known, found.values, column.values), known)
    return found


def forget_equal(value: Column, other: Column) -> Column:
    """The value, unknown where it equals the other (SQL's NULLIF)."""
    is_equal = compute(np.equal, (value, other)).fill(False)
    is_known = is_equal == 0
    return Column(value.values, is_known if value.known is None else value.known & is_known)


def choose(condition: Column, yes: Column, no: Column) -> Column:
    """The one where the condition holds, the other where it does not or is unknown."""
    holds = condition.fill(False).astype(bool)
    values = np.where(holds, yes.values, no.values)
    if yes.known is None and no.known is None:
        return Column(values)
    every = np.ones(len(values), bool)
    known = np.where(
        holds, every if yes.known is None else yes.known, every if no.known is None else no.known
    )
    return Column(values, known)


def take_least(columns: Sequence[Column], greatest: bool) -> Column:
    """Row by row the least, or the greatest, of the known values."""
    function, nothing = (np.maximum, -np.inf) if greatest else (np.minimum, np.inf)
    dtype = np.result_type(*(column.values.dtype for column in columns))
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        nothing = limits.min if greatest else limits.max
    found, known = columns[0].fill(nothing), columns[0].known
    for column in columns[1:]:
        found = function(found, column.fill(nothing))
        known = None if known is None or column.known is None else known | column.known
    return Column(found.astype(dtype), known)


def connect(condition: Column, other: Column, is_any: bool) -> Column:
    """SQL's OR and AND: known as soon as one side decides."""
    one, two = condition.fill(False).astype(bool), other.fill(False).astype(bool)
    if condition.known is None and other.known is None:
        return Column(one | two if is_any else one & two)
    knows_one = np.ones(len(one), bool) if condition.known is None else condition.known
    knows_two = np.ones(len(two), bool) if other.known is None else other.known
    decided = (knows_one & (one == is_any)) | (knows_two & (two == is_any))
    return Column((one | two) if is_any else one & two, decided | (knows_one & knows_two))
