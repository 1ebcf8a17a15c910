"""Values as SQL has them: worked by hand, and found by DuckDB, too.

In results None is what is unknown or no number.
"""

import ibis
import ibis.expr.types as ir
import numpy as np
import pytest

from feature_pipeline.engine.memory.errors import UnsupportedExpressionError
from feature_pipeline.engine.memory.values import find_function
from tests.feature_pipeline.engine.memory.columns import evaluate, make, show


def test_arithmetic_of_an_unknown_value_is_unknown():
    a, b = [7, None, -7, None, 0], [2, 2, 2, None, -3]
    assert evaluate(lambda t: t.a + t.b, a=a, b=b) == [9, None, -5, None, -3]
    assert evaluate(lambda t: t.a - t.b, a=a, b=b) == [5, None, -9, None, 3]
    assert evaluate(lambda t: t.a * t.b, a=a, b=b) == [14, None, -14, None, 0]
    assert evaluate(lambda t: t.a / t.b, a=a, b=b) == [3.5, None, -3.5, None, 0.0]
    assert evaluate(lambda t: -t.a, a=a) == [-7, None, 7, None, 0]
    assert evaluate(lambda t: (t.a - 1).abs(), a=a) == [6, None, 8, None, 1]


def test_division_rounds_down_and_the_remainder_has_the_sign_of_the_dividend():
    a, b = [7, -7, 7, -7, 6], [3, 3, -3, -3, 3]
    assert evaluate(lambda t: t.a // t.b, a=a, b=b) == [2, -3, -3, 2, 2]
    assert evaluate(lambda t: t.a % t.b, a=a, b=b) == [1, -1, 1, -1, 0]
    assert evaluate(lambda t: (t.a / 2) % 2, a=a) == [1.5, -1.5, 1.5, -1.5, 1.0]


def test_division_by_zero_is_infinite_or_no_number():
    assert evaluate(lambda t: t.a / t.b, a=[1, -1, 0], b=[0, 0, 0]) == [np.inf, -np.inf, None]


def test_whole_division_by_zero_is_unknown_where_engines_would_stop():
    quotient, remainder = (
        find_function(e.op()) for e in (declare().a // declare().b, declare().a % declare().b)
    )
    with np.errstate(all="ignore"):
        assert show(quotient(make(5, 0, None, 5), make(0, 0, 0, 2))) == [None, None, None, 2]
        assert show(remainder(make(5, 0, None, 5), make(0, 0, 0, 2))) == [None, None, None, 1]


def declare() -> ir.Table:
    return ibis.table({"a": "int64", "b": "int64"}, name="given")


def test_rounding():
    halves = [5, 7, -5, -1, 0, None]
    assert evaluate(lambda t: (t.a / 2).cast("int64"), a=halves) == [2, 4, -2, 0, 0, None]
    assert evaluate(lambda t: (t.a / 2).floor(), a=halves) == [2, 3, -3, -1, 0, None]
    assert evaluate(lambda t: (t.a / 2).ceil(), a=halves) == [3, 4, -2, 0, 0, None]
    assert evaluate(lambda t: t.a.cast("float64") / 4, a=[1, None]) == [0.25, None]
    assert evaluate(lambda t: (t.a > 5).cast("int64"), a=halves) == [0, 1, 0, 0, 0, None]
    assert evaluate(lambda t: t.a.cast("boolean"), a=[2, 0, None]) == [1, 0, None]


def test_what_is_no_number_becomes_no_whole_number():
    cast = find_function((declare().a / declare().b).cast("int64").op())
    with np.errstate(all="ignore"):
        assert show(cast(make(1.5, np.nan, np.inf, None, dtype=np.float64))) == [2, None, None, None]


def test_functions_are_those_of_the_c_library_to_the_last_bit():
    angles = [*range(-200, 200, 7), None]
    for name in ("sin", "cos", "exp"):
        evaluate(lambda t, name=name: getattr(t.a / 7, name)(), a=angles)
    above = [*range(1, 500), None]
    for name in ("ln", "sqrt"):
        evaluate(lambda t, name=name: getattr(t.a / 7, name)(), a=above)
    assert evaluate(lambda t: t.a.ln(), a=[0, 1, None]) == [-np.inf, 0.0, None]
    assert evaluate(lambda t: t.a.exp(), a=[1000, 0]) == [np.inf, 1.0]


def test_comparisons():
    a, b = [1, 2, 3, None, None], [2, 2, 2, 2, None]
    for compare, expected in (
        (lambda t: t.a < t.b, [1, 0, 0, None, None]),
        (lambda t: t.a <= t.b, [1, 1, 0, None, None]),
        (lambda t: t.a > t.b, [0, 0, 1, None, None]),
        (lambda t: t.a >= t.b, [0, 1, 1, None, None]),
        (lambda t: t.a == t.b, [0, 1, 0, None, None]),
        (lambda t: t.a != t.b, [1, 0, 1, None, None]),
        (lambda t: ~(t.a == t.b), [1, 0, 1, None, None]),
        (lambda t: t.a.between(2, t.b), [0, 1, 0, None, None]),
        (lambda t: t.a.isnull(), [0, 0, 0, 1, 1]),
        (lambda t: t.b.notnull(), [1, 1, 1, 1, 0]),
    ):
        assert evaluate(lambda t, compare=compare: compare(t).cast("int64"), a=a, b=b) == expected


def test_nan_equals_itself_and_is_greater_than_all_else():
    # 0 / 0 against 0 / 0, infinity and 1.
    a, b, c, d = [0, 0, 0, 1], [0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 0]
    for compare, expected in (
        (lambda x, y: x == y, [1, 0, 0, 0]),
        (lambda x, y: x != y, [0, 1, 1, 1]),
        (lambda x, y: x < y, [0, 0, 0, 1]),
        (lambda x, y: x <= y, [1, 0, 0, 1]),
        (lambda x, y: x > y, [0, 1, 1, 0]),
        (lambda x, y: x >= y, [1, 1, 1, 0]),
    ):
        found = evaluate(
            lambda t, compare=compare: compare(t.a / t.b, t.c / t.d).cast("int64"), a=a, b=b, c=c, d=d
        )
        assert found == expected
    assert evaluate(lambda t: ibis.least(t.a / t.b, t.c / t.d), a=a, b=b, c=c, d=d) == [
        None,
        np.inf,
        1.0,
        1.0,
    ]
    assert evaluate(lambda t: ibis.greatest(t.a / t.b, 5.0), a=a, b=b) == [None, None, None, 5.0]
    assert evaluate(lambda t: (t.a / t.b).nullif(t.c / t.d), a=a, b=b, c=c, d=d) == [None, None, None, 1.0]


TRUTHS = {"a": [1, 1, 1, 0, 0, 0, None, None, None], "b": [1, 0, None, 1, 0, None, 1, 0, None]}


def test_and_or_know_as_soon_as_one_side_decides():
    both = evaluate(lambda t: ((t.a == 1) & (t.b == 1)).cast("int64"), **TRUTHS)
    either = evaluate(lambda t: ((t.a == 1) | (t.b == 1)).cast("int64"), **TRUTHS)
    assert both == [1, 0, None, 0, 0, 0, None, 0, None]
    assert either == [1, 1, 1, 1, 0, None, 1, None, None]
    assert evaluate(lambda t: ((t.a == 1) | ibis.literal(False)).cast("int64"), a=[1, 0, None]) == [
        1,
        0,
        None,
    ]
    assert evaluate(lambda t: ((t.a == 1) & ibis.literal(False)).cast("int64"), a=[1, 0, None]) == [0, 0, 0]


def test_a_choice_takes_the_other_side_where_the_condition_is_unknown():
    a, b = [3, -3, None, 5], [10, 20, 30, None]
    assert evaluate(lambda t: (t.a > 0).ifelse(t.b, -1), a=a, b=b) == [10, -1, -1, None]
    assert evaluate(lambda t: (t.a > 0).ifelse(1, 0), a=a) == [1, 0, 0, 1]
    assert evaluate(lambda t: (t.a > 0).ifelse(t.b, ibis.null().cast("int64")), a=a, b=b) == [
        10,
        None,
        None,
        None,
    ]
    assert evaluate(lambda t: (t.a > 0).ifelse(0.5, t.b), a=a, b=b) == [0.5, 20.0, 30.0, 0.5]
    assert evaluate(lambda t: ibis.literal(True).ifelse(t.a, t.b), a=a, b=b) == a


def test_the_first_known_value():
    a, b = [1, None, None], [7, 8, None]
    assert evaluate(lambda t: ibis.coalesce(t.a, t.b), a=a, b=b) == [1, 8, None]
    assert evaluate(lambda t: ibis.coalesce(t.a, t.b, 9), a=a, b=b) == [1, 8, 9]
    assert evaluate(lambda t: t.a.fill_null(0), a=a) == [1, 0, 0]
    assert evaluate(lambda t: ibis.coalesce(5, t.a), a=a) == [5, 5, 5]
    assert evaluate(lambda t: ibis.coalesce(ibis.null().cast("int64"), t.a), a=a) == [1, None, None]


def test_what_equals_another_is_forgotten():
    a, b = [1, 2, None, 4], [1, 3, 3, None]
    assert evaluate(lambda t: t.a.nullif(t.b), a=a, b=b) == [None, 2, None, 4]
    assert evaluate(lambda t: t.a.nullif(2), a=a) == [1, None, None, 4]
    assert evaluate(lambda t: ibis.literal(3).nullif(t.b), b=b) == [3, None, None, 3]


def test_least_and_greatest_of_what_is_known():
    a, b = [1, 5, None, None, -4], [2, 3, 3, None, -9]
    assert evaluate(lambda t: ibis.least(t.a, t.b), a=a, b=b) == [1, 3, 3, None, -9]
    assert evaluate(lambda t: ibis.greatest(t.a, t.b), a=a, b=b) == [2, 5, 3, None, -4]
    assert evaluate(lambda t: ibis.greatest(t.a, t.b, 4), a=a, b=b) == [4, 5, 4, 4, 4]
    assert evaluate(lambda t: ibis.least(t.a / 2, t.b), a=a, b=b) == [0.5, 2.5, 3.0, None, -9.0]


def test_numbers_that_stand_for_all_rows():
    nothing = ibis.null().cast("int64")
    assert evaluate(lambda t: ibis.literal(3), a=[1, 2]) == [3, 3]
    assert evaluate(lambda t: t.a + nothing, a=[1, 2]) == [None, None]
    assert evaluate(lambda t: ibis.literal(2) * 3 + ibis.literal(1).nullif(1).fill_null(4), a=[1, None]) == [
        10,
        10,
    ]


def test_what_is_not_known_is_refused_by_name():
    for value, message in (
        (
            declare().a.log2(),
            r"^Log2\(a\): the engine of serving does not know this operation. Remedy: express",
        ),
        (
            declare().a.cast("int8"),
            r"^Cast\(a, int8\): the engine of serving does not know columns of int8. Rem",
        ),
    ):
        with pytest.raises(UnsupportedExpressionError, match=message):
            find_function(value.op())
