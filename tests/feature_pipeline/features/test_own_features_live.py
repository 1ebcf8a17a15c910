"""Features of the user's own among live events: the values of DuckDB, or a word about what is not known."""

from collections.abc import Mapping
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pytest

from feature_pipeline.engine.memory.errors import UnsupportedExpressionError
from feature_pipeline.engine.memory.memory import MemoryEngine
from feature_pipeline.features.facts import Columns, Facts
from feature_pipeline.features.feature import Feature, Moment, StateFeature, TableFeature
from feature_pipeline.features.user_events import UserEvents
from feature_pipeline.point_in_time import ROW, Line, accumulate
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, WEIGHT, FeatureSpec, Side
from tests.event_tables import to_queries
from tests.feature_pipeline.engine.test_spark import make_world
from tests.feature_pipeline.features.living import (
    check_same,
    compute_all,
    follow,
    list_steps,
    split_world,
    stand,
    to_added,
)
from tests.feature_pipeline.features.test_own_features import ARRAY, MOMENT, STATE, TABLE, load
from tests.feature_pipeline.features.worlds import World


class _Own(Feature):
    """One numeric column, named by the class."""

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(self.column, self.side, "numeric")]

    @property
    def column(self) -> str:
        return type(self).__name__.lower()


class EventsOfUser(_Own, TableFeature):
    """Reads the events of users as they are, and shares nothing."""

    side: Side = "query"

    def compute(self, facts: Facts) -> ir.Table:
        met = facts.rows.inner_join(facts.events_of_users, USER_ID)
        met = met.filter(met[EVENT_TIME] < met["as_of"])
        return met.group_by(ROW).aggregate(
            **{self.column: met[WEIGHT].sum(where=met[ITEM_ID] > 1).cast("int64")}
        )


class HeaviestOfUser(_Own, TableFeature):
    """States of its own, unknown at first: the greatest weight other than 1."""

    side: Side = "query"

    def compute(self, facts: Facts) -> ir.Table:
        events = facts.events_of_users
        events = events.mutate(heavy=events[WEIGHT].nullif(1_000_000))
        states = accumulate(events, [USER_ID], heaviest=Line(events, [USER_ID]).max(events["heavy"]))
        states = facts.share("states_heaviest", states)
        found = facts.look_up_states(facts.rows, states, (USER_ID,), 0, "found_")
        return found.select(ROW, **{self.column: found["found_heaviest"]})


class StepsToItem(_Own, TableFeature):
    """Reads the steps as they are."""

    side: Side = "pair"

    def get_recent(self) -> int:
        return 2

    def get_reach(self) -> int:
        return 1

    def compute(self, facts: Facts) -> ir.Table:
        asked = facts.rows.inner_join(facts.recent.drop(ROW, "as_of"), "query")
        steps = facts.steps_between_items.rename(when=EVENT_TIME, back="steps_back")
        taken = asked.inner_join(steps, ["from_item", ITEM_ID])
        taken = taken.filter(taken["when"] < taken["as_of"])
        return taken.group_by(ROW).aggregate(**{self.column: taken.count(where=taken["back"] == 1)})


class StatesAsTable(_Own, TableFeature):
    """Reads as a table what others look up."""

    side: Side = "query"

    def compute(self, facts: Facts) -> ir.Table:
        found = facts.look_up(facts.rows, "user", 0, "u_").select(ROW, USER_ID, "u_events")
        table = ir.Table(facts.share("states_user", found).op())
        moments = table.group_by(USER_ID).aggregate(moments=table.count())
        found = found.left_join(moments, USER_ID)
        return found.select(
            ROW, **{self.column: found["moments"].fill_null(0) - found["u_events"].fill_null(0)}
        )


class LogOfEvents(_Own, StateFeature):
    """An operation that the engine of serving lacks."""

    side: Side = "query"
    key = "user"

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {self.column: moment.count().log2()}


def check_live(world: World, *features: Feature) -> None:
    """Asserts that values equal those of DuckDB, of what stood and after more has happened."""
    life = split_world(world, np.arange(len(world.happened)) // 300, 1)
    live = stand(life.at(0), features)
    for count in (0, 1):
        expected = compute_all(life.at(count).build(features), world)
        check_same(compute_all(follow(world, live, features), world), expected)
        live = live.add(to_added(life.batches[0]))


@pytest.mark.parametrize("kind", [EventsOfUser, HeaviestOfUser, StepsToItem, StatesAsTable])
def test_a_feature_of_ones_own_has_the_values_of_duckdb(kind: type[Feature]):
    check_live(make_world(), kind())


def test_together_and_beside_ours():
    check_live(make_world(), EventsOfUser(), UserEvents(), HeaviestOfUser(), StepsToItem(), StatesAsTable())


def test_what_shares_no_states_has_none():
    assert list_steps((EventsOfUser(), StepsToItem())) == {}
    assert list(list_steps((HeaviestOfUser(), StatesAsTable()))) == ["states_heaviest", "states_user"]


@pytest.mark.parametrize("source", [STATE, MOMENT, TABLE, ARRAY])
def test_each_base_class_serves_from_a_file(tmp_path: Path, source: str):
    check_live(make_world(), load(tmp_path, source))


def test_an_operation_that_is_not_known_is_named_when_it_is_computed():
    world, features = make_world(), [UserEvents(), LogOfEvents()]
    # DuckDB knows it.
    assert world.compute_of_query(features)["logofevents"].notna().any()
    message = (
        r"^Log2\(.*\): the engine of serving does not know this operation\. Remedy: express the feature by "
        r"operations that feature_pipeline/engine/memory knows \(values\.py, aggregates\.py, windows\.py\)$"
    )
    for builder in (follow(world, stand(world, features), features), world.build(features, MemoryEngine())):
        with pytest.raises(UnsupportedExpressionError, match=message):
            builder.compute_query_features(to_queries(world.asked))
        # Others are computed.
        assert builder.compute_row_features(to_queries(world.asked), world.offered).shape == (160, 0)
