"""The engine of serving finds what DuckDB finds, to the last bit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import add, eq, ge, le, lt, mul, ne, sub

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.engine.duckdb import DuckDBEngine
from feature_pipeline.engine.engine import Computation, declare_table
from feature_pipeline.engine.memory.compiler import compile_states
from feature_pipeline.engine.memory.memory import MemoryEngine
from feature_pipeline.point_in_time import Line, accumulate
from tests.event_tables import run_computation, to_arrays, whole_numbers
from tests.feature_pipeline.engine.looking_up import (
    ASKED,
    EVENTS,
    HAPPENED,
    KEY,
    ROWS,
    build_look_up,
    check_look_up,
)
from tests.feature_pipeline.engine.memory.columns import compute
from tests.feature_pipeline.features.worlds import repeatable_worlds

Build = Callable[[ir.Table], ir.Value]


def test_finds_the_latest_state_before_each_moment():
    check_look_up(MemoryEngine())


class TestStandingStates:
    @pytest.fixture(scope="class")
    def engine(self) -> MemoryEngine:
        """Knows the states of the look-up, and none of the events."""
        states = accumulate(EVENTS, KEY, count=Line(EVENTS, KEY).count())
        compiled = compile_states(states.op(), KEY, "event_time")
        return MemoryEngine(compiled.program.run({"events": to_arrays(HAPPENED)}, {}))

    def test_are_looked_up_instead_of_computed(self, engine: MemoryEngine):
        computation = build_look_up(engine)
        assert engine.find_sources(computation) == ["asked"]
        assert MemoryEngine().find_sources(computation) == computation.sources == ["asked", "events"]
        found = run_computation(engine, computation, asked=ASKED)
        pd.testing.assert_frame_equal(
            found,
            run_computation(MemoryEngine(), computation, asked=ASKED, events=HAPPENED),
            check_exact=True,
        )

    def test_a_step_that_is_also_read_as_a_table_is_computed_for_that(self, engine: MemoryEngine):
        look_up = build_look_up(engine)
        shared = declare_table("states", "user_id", "item_id", "event_time", "count")
        events = shared.group_by("user_id").aggregate(states=shared.count())
        both = look_up.expression.left_join(events, "user_id").select("row", "known_count", "states")
        computation = Computation(look_up.expressions, both, engine.dialect)
        assert engine.find_sources(computation) == ["asked", "events"]
        found = run_computation(engine, computation, asked=ASKED, events=HAPPENED)
        assert found.set_index("row")["states"].to_dict() == {
            **dict.fromkeys([7, 3, 5, 2], 4),
            9: 1,
            4: 1,
            8: pytest.approx(float("nan"), nan_ok=True),
        }


def test_threads_share_an_engine():
    engine = MemoryEngine()
    table = declare_table("rows", "key", "value")
    total = Computation({}, table.group_by("key").aggregate(total=table.value.sum()), engine.dialect)

    def run(value: int) -> int:
        rows = whole_numbers(key=[0] * 1000, value=[value] * 1000)
        return int(run_computation(engine, total, rows=rows)["total"].iloc[0])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(40))) == [1000 * value for value in range(40)]


def test_rows_that_a_run_is_given_stay_as_they_are():
    table = declare_table("rows", "key", "value")
    rows = to_arrays(whole_numbers(key=[2, 1], value=[3, 4]))
    for values in rows.values():
        values.flags.writeable = False
    doubled = Computation({}, table.select(twice=table.value * 2), MemoryEngine.dialect)
    assert MemoryEngine().run(doubled, {"rows": rows})["twice"].tolist() == [6, 8]


def test_looks_up_by_the_same_expression_as_duckdb():
    states = declare_table("states", "user_id", "item_id", "event_time", "count")
    one, other = (
        engine.look_up(ROWS, states, KEY, "moment", "known_") for engine in (MemoryEngine, DuckDBEngine)
    )
    assert one.equals(other)


@st.composite
def numbers(draw: st.DrawFn, names: tuple[str, ...], depth: int = 2) -> Build:
    """A whole number of each row; small, so that nothing overflows."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        name = draw(st.sampled_from(names))
        return lambda t: t[name]
    literals = st.integers(-3, 3).map(lambda number: lambda t: ibis.literal(number))
    one, other = draw(numbers(names, depth - 1)), draw(literals | numbers(names, depth - 1))
    holds, by = draw(conditions(names, depth - 1)), draw(st.sampled_from([-3, 2, 5]))
    arithmetic = draw(st.sampled_from([add, sub, mul]))
    return draw(
        st.sampled_from(
            [
                lambda t: arithmetic(one(t), other(t)),
                lambda t: one(t) // by,
                lambda t: one(t) % by,
                lambda t: one(t).nullif(other(t)),
                lambda t: one(t).fill_null(other(t)),
                lambda t: ibis.least(one(t), other(t)),
                lambda t: ibis.greatest(one(t), other(t), by),
                lambda t: holds(t).ifelse(one(t), other(t)),
                lambda t: holds(t).cast("int64"),
                lambda t: (one(t) / by).cast("int64").abs(),
            ]
        )
    )


@st.composite
def conditions(draw: st.DrawFn, names: tuple[str, ...], depth: int = 1) -> Build:
    """Something that holds of a row, does not, or is unknown."""
    one, other = draw(numbers(names, max(depth - 1, 0))), draw(numbers(names, max(depth - 1, 0)))
    compare = draw(st.sampled_from([eq, ne, lt, le, ge]))
    simple = [lambda t: compare(one(t), other(t)), lambda t: one(t).isnull(), lambda t: one(t).notnull()]
    if depth == 0:
        return draw(st.sampled_from(simple))
    this, that = draw(conditions(names, depth - 1)), draw(conditions(names, depth - 1))
    joined = [lambda t: this(t) & that(t), lambda t: this(t) | that(t), lambda t: ~this(t)]
    return draw(st.sampled_from([*simple, *joined]))


@st.composite
def tables(draw: st.DrawFn, *names: str) -> dict[str, list[int | None]]:
    """Few different values, so that keys meet; some are unknown."""
    rows = draw(st.lists(st.tuples(*(st.sampled_from([0, 1, 2, 3, -2, None]) for _ in names)), max_size=9))
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


LEFT, RIGHT = ("key", "also", "a"), ("key", "also", "b")
BOTH = (*LEFT, "b")


@st.composite
def joins(draw: st.DrawFn) -> Callable[[ir.Table, ir.Table], ir.Table]:
    """Some rows of the one table, with rows of the other."""
    holds, how = draw(conditions(LEFT)), draw(st.sampled_from(["inner", "left"]))
    keys = draw(st.sampled_from([("key",), ("key", "also"), ("also",)]))

    def join(one: ir.Table, other: ir.Table) -> ir.Table:
        kept = one.filter(holds(one))
        matched = [kept[key] == other[key] for key in keys]
        return getattr(kept, f"{how}_join")(other, matched).select(*LEFT, "b")

    return join


class TestRandomExpressions:
    @repeatable_worlds(max_examples=20)
    @given(tables(*LEFT), tables(*RIGHT), joins(), numbers(BOTH), numbers(BOTH, 1), conditions(BOTH))
    def test_aggregates_of_joined_rows(self, one, other, join, value, key, holds):
        def build(left: ir.Table, right: ir.Table) -> ir.Table:
            joined = join(left, right)
            found = joined.group_by("key", by=key(joined)).aggregate(
                rows=joined.count(where=holds(joined)),
                known=value(joined).count(),
                total=value(joined).sum(where=holds(joined)),
                greatest=value(joined).max(),
                least=value(joined).min(where=holds(joined)),
                distinct=value(joined).nunique(),
            )
            return found.mutate(share=found.total / found.rows.nullif(0))

        compute(build, one=one, other=other)

    @repeatable_worlds(max_examples=20)
    @given(tables(*LEFT), tables(*RIGHT), joins(), numbers(BOTH), conditions(BOTH))
    def test_windows_over_joined_rows(self, one, other, join, value, holds):
        def build(left: ir.Table, right: ir.Table) -> ir.Table:
            joined = join(left, right)
            so_far = ibis.range_window(group_by="key", order_by="also", following=0)
            return joined.select(
                *BOTH,
                value=value(joined),
                rows=joined.count().over(so_far),
                total=value(joined).sum(where=holds(joined)).over(so_far).cast("int64"),
                greatest=value(joined).max().over(so_far),
                least=value(joined).min().over(ibis.range_window(order_by=["also", "key"], following=0)),
                all=value(joined).sum().over(group_by=["key", "also"]).cast("int64"),
                rank=ibis.rank().over(ibis.window(group_by="key", order_by=["also", "b"])),
            )

        compute(build, one=one, other=other)

    @repeatable_worlds(max_examples=20)
    @given(tables(*LEFT), tables(*RIGHT), joins(), numbers(LEFT), numbers(BOTH))
    def test_distinct_rows_joined_again(self, one, other, join, value, also):
        def build(left: ir.Table, right: ir.Table) -> ir.Table:
            some = left.select("key", value=value(left)).distinct()
            joined = join(left, right)
            return joined.inner_join(some, "key").mutate(found=ibis._.value + also(ibis._))

        compute(build, one=one, other=other)
