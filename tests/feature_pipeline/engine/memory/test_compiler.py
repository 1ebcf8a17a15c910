"""Compiled tables: only what is asked for, and refusals in words."""

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import pytest

from feature_pipeline.engine.engine import declare_table
from feature_pipeline.engine.memory.compiler import compile_states, compile_table
from feature_pipeline.engine.memory.errors import UnsupportedExpressionError
from tests.event_tables import to_arrays, whole_numbers
from tests.feature_pipeline.engine.memory.columns import compute, list_rows, show

ONE, OTHER = declare_table("one", "key", "a", "time"), declare_table("other", "key", "b", "time")


def look_up(by: Callable[[ir.Table, ir.Table], ir.Value], *keys: str) -> ir.Table:
    other = OTHER.rename(other_key="key", other_time="time")
    predicates = [ONE[key] == other[f"other_{key}"] for key in keys]
    return ONE.asof_join(other, on=by(ONE, other), predicates=predicates)


def run_up(how: Callable[[ir.Table], ir.Value], **window: object) -> ir.Table:
    window = {"following": 0, "order_by": "time"} | window
    return ONE.select("a", found=how(ONE).over(ibis.range_window(**window)))


TABLE, KEYS = "this table operation", "keys of type float64"
EQUAL = "a join by anything but equal columns"
LATEST = "a look-up of anything but the latest state before a moment"
FRAME, FLOATS = "a frame other than the rows so far", "running values of floats, which add up differently"


@pytest.mark.parametrize(
    ("expression", "name", "what"),
    [
        (ONE.union(ONE), "Union", TABLE),
        (ONE.limit(3), "Limit", TABLE),
        (ONE.order_by("a"), "Sort", TABLE),
        (ONE.aggregate(total=ONE.a.sum()), "Aggregate", "a total without groups"),
        (ONE.group_by("key").aggregate(mean=ONE.a.mean()), "Mean(a)", "this aggregate"),
        (ONE.group_by(half=ONE.a / 2).aggregate(n=ONE.count()), "Divide(a, 2)", KEYS),
        (ONE.outer_join(OTHER, "key"), "JoinLink", "outer joins"),
        (ONE.semi_join(OTHER, "key"), "JoinLink", "semi joins"),
        (ONE.inner_join(OTHER, ONE.a > OTHER.b), "Greater(a, b)", EQUAL),
        (ONE.inner_join(OTHER, ONE.a == OTHER.b + 1), "Equals(a, Add(b, 1))", EQUAL),
        (ONE.mutate(x=ONE.a / 2).inner_join(OTHER, [ibis._.x == OTHER.b]), "x", KEYS),
        (look_up(lambda one, other: one.time >= other.other_time), "JoinLink", LATEST),
        (look_up(lambda one, other: one.time < other.other_time), "JoinLink", LATEST),
        (
            look_up(lambda one, other: one.time > other.other_time, "key"),
            "UnboundTable",
            "the key of a state that was looked up",
        ),
        (run_up(lambda t: t.a.sum(), order_by=ibis.desc("time")), "time", "a descending order"),
        (run_up(lambda t: t.a.sum(), preceding=3), "Sum(a)", FRAME),
        (run_up(lambda t: t.a.sum(), following=1), "Sum(a)", FRAME),
        (run_up(lambda t: (t.a / 2).sum()), "Sum(Divide(a, 2))", FLOATS),
        (run_up(lambda t: t.a.nunique()), "CountDistinct(a)", "this running value"),
        (run_up(lambda t: t.a.lag(2)), "Lag(a, 2)", "a lag of anything but the row before"),
        (run_up(lambda t: ibis.dense_rank()), "DenseRank()", "this window function"),
        (ONE.filter(ONE.a.log2() > 1), "Log2(a)", "this operation"),
    ],
)
def test_what_is_not_known_is_refused_by_name(expression: ir.Table, name: str, what: str):
    with pytest.raises(UnsupportedExpressionError) as error:
        compile_table(expression.op(), {}, ())
    message, remedy = str(error.value).split(". Remedy: ")
    assert message.startswith(f"{name}: the engine of serving does not know {what}")
    assert remedy == (
        "express the feature by operations that feature_pipeline/engine/memory knows (values.py, "
        "aggregates.py, windows.py)"
    )


def test_only_what_is_asked_for_is_read():
    # A refused column that nobody reads does no harm, nor does a table beside it.
    both = ONE.mutate(no=ONE.a.log2()).left_join(OTHER.rename(b_time="time"), "key")
    compiled = compile_table(both.select("a").op(), {}, ())
    assert compiled.sources == ["one", "other"]
    assert compile_table(ONE.mutate(no=ONE.a.log2()).select("key").op(), {}, ()).sources == ["one"]


def test_steps_are_computed_where_they_are_read():
    step = ONE.select(key=ONE.key + 1, b=ONE.a)
    stored = declare_table("step", "key", "b")
    compiled = compile_table(stored.select("b").op(), {"step": step.op(), "unread": OTHER.op()}, ())
    assert compiled.sources == ["one"]
    found = compiled.program.run({"one": to_arrays(whole_numbers(key=[1, 2], a=[3, 4], time=[0, 0]))}, {})
    assert show(found["b"]) == [3, 4]


def test_states_of_a_table():
    compiled = compile_states(OTHER.select("time", "b", "key").op(), ("key",), "time")
    assert compiled.sources == ["other"]
    given = whole_numbers(key=[2, 1, 2], b=[5, 6, 7], time=[9, 8, 3])
    states = compiled.program.run({"other": to_arrays(given)}, {})["states"]
    assert {name: show(column) for name, column in states.columns.items()} == {
        "time": [8, 3, 9],
        "b": [6, 7, 5],
    }
    assert show(states.list_keys()[0]) == [1, 2, 2]


def test_filters():
    given = {"a": [1, 2, None, 4], "b": [1, None, 3, 0]}
    assert list_rows(compute(lambda t: t.filter(t.a > 1), given=given)) == [(2, None), (4, 0)]
    assert list_rows(compute(lambda t: t.filter(t.a > 1, t.b < 1).select("b"), given=given)) == [(0,)]
    assert list_rows(compute(lambda t: t.filter(t.a > 9), given=given)) == []
    assert len(compute(lambda t: t.filter(t.a.isnull() | t.a.notnull()), given=given)) == 4


def test_distinct_rows():
    given = {"a": [1, 2, 1, None, None], "b": [1, None, 1, 3, 3]}
    assert list_rows(compute(lambda t: t.distinct(), given=given)) == [(1, 1), (2, None), (None, 3)]
    assert list_rows(compute(lambda t: t.select("b").distinct(), given=given)) == [(1,), (3,), (None,)]
    assert list_rows(compute(lambda t: t.distinct(), given={"a": [], "b": []})) == []


def test_columns_may_be_renamed_dropped_and_be_one_number():
    found = compute(lambda t: t.rename(x="a").drop("b").mutate(y=7), given={"a": [1, None], "b": [2, 3]})
    assert list_rows(found) == [(1, 7), (None, 7)]
    assert found.dtypes.astype(str).tolist() == ["float64", "int8"]
