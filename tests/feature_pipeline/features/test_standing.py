"""Standing states: which steps have them, and what is written of them."""

from pathlib import Path

import ibis.expr.types as ir
import pytest

from feature_pipeline.engine.engine import Computation, declare_table
from feature_pipeline.engine.memory.memory import MemoryEngine
from feature_pipeline.features.facts import Columns, Facts
from feature_pipeline.features.standing import find_standing, read_states, write_states
from feature_pipeline.features.state import build_states
from feature_pipeline.point_in_time import Line, accumulate
from tests.event_tables import at, to_arrays, whole_numbers
from tests.feature_pipeline.engine.memory.columns import show
from tests.feature_pipeline.engine.memory.key_states import find, list_all, order
from tests.feature_pipeline.features.living import list_steps

USER, ITEM = ("user_id",), ("item_id",)


def test_every_step_of_ours_that_holds_states_stands():
    described = {name: (step.key, step.instant, step.source) for name, step in list_steps().items()}
    assert described == {
        "states_user": (USER, "event_time", "of_user"),
        "states_item": (ITEM, "event_time", "of_item"),
        "states_user_item": (("user_id", "item_id"), "event_time", "of_user"),
        "states_met": (USER, "event_time", "of_user"),
        "states_session": (USER, "event_time", "of_user"),
        "states_leaving": (("from_item",), "event_time", "steps"),
        "states_steps": (("from_item", "item_id"), "event_time", "steps"),
        "states_of_genres": (("user_id", "value"), "event_time", "of_user"),
        "states_of_maker": (("user_id", "value"), "event_time", "of_user"),
        "states_of_price": (USER, "event_time", "of_user"),
        "states_of_year": (USER, "event_time", "of_user"),
    }


def look_up(states: ir.Table, key: tuple[str, ...] = USER, width: int = 0) -> Computation:
    """The states of each row's key, shared by a name."""
    facts = Facts(MemoryEngine, Columns(), "candidate")
    rows = facts.rows.mutate(value=facts.rows["item_id"])
    found = facts.look_up_states(rows, facts.share("states", states), key, width, "found_")
    return Computation(facts.steps, found, MemoryEngine.dialect)


EVENTS = Facts(MemoryEngine, Columns(), "candidate").events_of_users


def accumulate_counts(events: ir.Table, key: tuple[str, ...] = USER) -> ir.Table:
    return accumulate(events, key, count=Line(events, key).count())


class TestWhichStepsStand:
    def test_of_the_same_states_however_they_are_looked_up(self):
        states = accumulate_counts(EVENTS)
        assert list(find_standing([look_up(states), look_up(states, width=7)])) == ["states"]
        assert find_standing([]) == {}

    def test_not_of_a_name_that_stands_for_different_tables(self):
        states, other = accumulate_counts(EVENTS), accumulate_counts(EVENTS.filter(EVENTS["weight"] > 0))
        assert find_standing([look_up(states), look_up(other)]) == {}
        # Nor where one of them could not stand.
        asked = declare_table("asked", "row", "query", "user_id", "as_of")
        of_asked = accumulate_counts(asked.rename(event_time="as_of"))
        for computations in ([look_up(states), look_up(of_asked)], [look_up(of_asked), look_up(states)]):
            assert find_standing(computations) == {}

    def test_not_of_states_that_are_looked_up_by_different_keys(self):
        key = ("user_id", "item_id")
        states = accumulate_counts(EVENTS, key)
        assert list(find_standing([look_up(states, key)])) == ["states"]
        assert find_standing([look_up(states, key), look_up(states, key[::-1])]) == {}

    @pytest.mark.parametrize(
        "states",
        [
            # What is asked, alone and with events; events of two kinds, and states of another than the owner.
            accumulate_counts(declare_table("asked", "user_id", "event_time")),
            accumulate_counts(
                EVENTS.inner_join(declare_table("asked", "user_id", "query"), "user_id").select(
                    "user_id", "event_time"
                )
            ),
            accumulate_counts(
                EVENTS.inner_join(declare_table("of_item", "item_id", "weight"), "item_id").select(
                    "user_id", "event_time"
                )
            ),
            accumulate_counts(declare_table("of_item", "user_id", "item_id", "event_time")),
            accumulate_counts(declare_table("another_step", "user_id", "event_time")),
        ],
    )
    def test_not_of_what_depends_on_more_than_one_owners_events(self, states: ir.Table):
        assert find_standing([look_up(states)]) == {}

    def test_not_of_steps_that_nobody_looks_up(self):
        facts = Facts(MemoryEngine, Columns(), "candidate")
        read = facts.share("read", accumulate_counts(EVENTS)).select("user_id")
        assert find_standing([Computation(facts.steps, read, MemoryEngine.dialect)]) == {}

    def test_of_values_of_items_besides(self):
        values = Facts(MemoryEngine, Columns(), "candidate").get_values("an odd: `name`/..")
        valued = EVENTS.inner_join(values, "item_id").select("user_id", "value", "event_time")
        key = ("user_id", "value")
        (step,) = find_standing([look_up(accumulate_counts(valued, key), key)]).values()
        assert (step.key, step.source) == (key, "of_user")


def test_a_step_computes_its_states():
    (step,) = find_standing([look_up(build_states(EVENTS, "user"))]).values()
    happened = whole_numbers(
        user_id=[2, 1, 2],
        item_id=[0, 0, 0],
        event_time=[at(3), at(2), at(1)],
        event_order=[0, 1, 2],
        weight=[5, 6, 7],
    )
    states = step.compute({"of_user": to_arrays(happened), "unread": {}})
    assert {name: show(column) for name, column in states.columns.items()} == {
        "event_time": [at(2), at(1), at(3)],
        "events": [1, 1, 2],
        "weight": [6, 7, 12],
        "first": [at(2), at(1), at(1)],
    }


def test_what_is_written_is_read(tmp_path: Path):
    states = {
        "states of/../a name": order([(5, 2), (-3, 2), (5, 2)], [3, 1, 2], [30, None, 20]),
        "..": order([], [], []),
        "empty": order([(1, 1)], [1], [1]),
    }
    write_states(states, tmp_path / "new" / "states")
    read = read_states(tmp_path / "new" / "states")
    assert list(read) == list(states)
    for name, table in states.items():
        assert list_all(read[name]) == list_all(table)
        assert find(read[name], [(5, 2), (1, 1)], [3, 9]) == find(table, [(5, 2), (1, 1)], [3, 9])
        assert not read[name].records.flags.writeable
    write_states({}, tmp_path / "nothing")
    assert read_states(tmp_path / "nothing") == {}
