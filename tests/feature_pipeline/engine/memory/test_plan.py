"""Plans: every step once, constants computed beforehand, nothing that nobody needs."""

from collections import Counter

import numpy as np

from feature_pipeline.engine.memory.plan import TABLES, Plan, read_column

CALLS: Counter[str] = Counter()


def add(one: int, other: int) -> int:
    CALLS["add"] += 1
    return one + other


def measure(column: object) -> int:
    CALLS["measure"] += 1
    return len(column.values)


def plan_length(plan: Plan, name: str) -> int:
    """The slot of the length of a table's column `x`."""
    return plan.add(measure, plan.add(read_column, TABLES, plan.hold(name), plan.hold("x")))


def test_a_program_runs_on_what_it_is_given_each_time():
    plan = Plan()
    total = plan.add(add, plan_length(plan, "one"), plan_length(plan, "other"))
    program = plan.finish({"total": total, "again": total})
    for lengths in ((2, 3), (5, 0)):
        one, other = ({"x": np.zeros(length)} for length in lengths)
        assert program.run({"one": one, "other": other}, {}) == dict.fromkeys(
            ("total", "again"), sum(lengths)
        )


def test_the_same_step_is_listed_once():
    plan = Plan()
    assert plan_length(plan, "one") == plan_length(plan, "one") != plan_length(plan, "other")


def test_constants_are_computed_beforehand():
    CALLS.clear()
    plan = Plan()
    slot = plan.add(add, plan.hold(2), plan.hold(3))
    assert plan.get_constant(slot) == 5
    assert plan.get_constant(plan_length(plan, "one")) is None
    program = plan.finish({"five": slot})
    assert [program.run({}, {}) for _ in range(3)] == [{"five": 5}] * 3
    assert CALLS == {"add": 1}
    # Equal numbers of different types are different constants.
    assert len({plan.hold(1), plan.hold(1.0), plan.hold(True)}) == 3


def test_what_nobody_needs_is_left_out():
    CALLS.clear()
    plan = Plan()
    wanted = plan_length(plan, "one")
    plan.add(add, wanted, plan_length(plan, "other"))
    assert plan.finish({"wanted": wanted}).run({"one": {"x": np.zeros(4)}}, {}) == {"wanted": 4}
    assert CALLS == {"measure": 1}


def test_columns_are_let_go_after_their_last_reader():
    plan = Plan()
    one = plan_length(plan, "one")
    program = plan.finish({"total": plan.add(add, one, plan.hold(1)), "one": one})
    (_, _, (_, *names), _), (_, _, (column,), let_go), (_, _, _, kept) = program.steps
    assert let_go == (column,)
    # Results and constants stay.
    assert kept == ()
    assert [program.start[name] for name in names] == ["one", "x"]
