"""What holds for every registered feature, whichever they are: nothing of the future, and no company.

Values are compared to the last bit.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features.registry import FEATURES
from tests.event_tables import ITEMS, MINUTE, USERS, at, events, open_engine, to_interactions
from tests.feature_pipeline.features.worlds import (
    COLUMNS,
    EVERY_FEATURE,
    World,
    repeatable_worlds,
    rich_moments,
    worlds,
)

# These read the user's last items, for which the order of the source decides ties of time.
FROM_HISTORY = {
    spec.name for feature in EVERY_FEATURE if feature.get_recent() for spec in feature.list_specs(COLUMNS)
}


def check_same(one: Iterable[pd.DataFrame], other: Iterable[pd.DataFrame]) -> None:
    for first, second in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)


def is_after(happened: pd.DataFrame, query: pd.Series) -> pd.Series:
    """Which events stand at or after `(as_of, as_of_order)`."""
    is_tie = happened["event_time"] == query["as_of"]
    return (happened["event_time"] > query["as_of"]) | (
        is_tie & (happened["event_order"] >= query["as_of_order"])
    )


@st.composite
def worlds_of_one_moment(draw: st.DrawFn) -> World:
    """Every user, also the one without events, asks at the same moment and order: that of some event."""
    world = draw(worlds(max_queries=1))
    as_of = draw(st.sampled_from(world.happened["event_time"].tolist()))
    asked = pd.concat([world.asked] * USERS, ignore_index=True).assign(user_id=range(USERS), as_of=as_of)
    offered = np.stack([np.arange(ITEMS)] * USERS)
    return replace(world, asked=asked, offered=offered)


def move_to(moment: int, happened: pd.DataFrame, first_order: int) -> pd.DataFrame:
    """Moves every other event to the very moment; orders count from `first_order`."""
    times = happened["event_time"].where(happened.index % 2 == 1, moment)
    return happened.assign(event_time=times, event_order=happened["event_order"] + first_order)


others = events(min_size=6, max_size=20, users=USERS, times=rich_moments())


class TestNothingOfTheFuture:
    @repeatable_worlds(max_examples=3)
    @given(worlds_of_one_moment(), others, st.integers(0, 2))
    def test_nothing_at_or_after_the_query_and_its_order_changes_anything(
        self, world: World, others: pd.DataFrame, kept: int
    ):
        # Some later events stay, others go or come. Orders from 1000 lie after every event of the world, and
        # before a query of the last order.
        query = world.asked.iloc[0]
        late = is_after(world.happened, query)
        others = move_to(query["as_of"], others, first_order=1000)
        parts = [others[is_after(others, query)], world.happened[late].iloc[:kept], world.happened[~late]]
        changed = pd.concat(parts, ignore_index=True)
        check_same(replace(world, happened=changed).compute(), world.compute())

    @repeatable_worlds(max_examples=3)
    @given(worlds_of_one_moment(), others)
    def test_nothing_at_the_moment_of_the_query_is_counted_whatever_its_order(
        self, world: World, others: pd.DataFrame
    ):
        # Orders below 0 lie before every event of the world.
        as_of = world.asked.loc[0, "as_of"]
        others = move_to(as_of, others, first_order=-1000)
        past = world.happened[world.happened["event_time"] < as_of]
        changed = pd.concat([others[others["event_time"] >= as_of], past], ignore_index=True)
        of_query, of_rows = world.compute()
        of_query_now, of_rows_now = replace(world, happened=changed).compute()
        counted = [name for name in of_rows if name not in FROM_HISTORY]
        assert len(counted) == len(list(of_rows)) - len(FROM_HISTORY)
        check_same((of_query, of_rows[counted]), (of_query_now, of_rows_now[counted]))


class TestNoCompany:
    @repeatable_worlds(max_examples=3)
    @given(worlds(max_queries=3))
    def test_training_in_one_batch_equals_serving_one_by_one(self, world: World):
        trained = world.compute()
        served = []
        for query in range(len(world.asked)):
            known = world.happened[~is_after(world.happened, world.asked.iloc[query])]
            served.append(replace(world.take(query), happened=known).compute())
        check_same(trained, (pd.concat(parts, ignore_index=True) for parts in zip(*served, strict=True)))

    @repeatable_worlds(max_examples=3)
    @given(worlds(max_queries=2), st.permutations(range(4)))
    def test_candidates_do_not_know_each_other(self, world: World, places: list[int]):
        together = world.compute_of_rows()
        shuffled = replace(world, offered=world.offered[:, places]).compute_of_rows()
        row = np.full(world.offered.shape, -1)
        row[world.offered >= 0] = np.arange((world.offered >= 0).sum())
        order = row[:, places].ravel()
        expected = together.iloc[order[order >= 0]].reset_index(drop=True)
        check_same([shuffled], [expected])
        alone = replace(world, offered=world.offered[:, :1]).compute_of_rows()
        kept = row[:, 0]
        check_same([alone], [together.iloc[kept[kept >= 0]].reset_index(drop=True)])

    @pytest.mark.parametrize("name", FEATURES)
    def test_a_feature_alone_is_what_it_is_among_others(self, name: str):
        feature = FEATURES[name]()
        world, of_query, of_rows = make_crowd()
        names = [spec.name for spec in feature.list_specs(COLUMNS)]
        computed = (
            world.compute_of_query([feature]) if feature.is_of_query else world.compute_of_rows([feature])
        )
        together = of_query if feature.is_of_query else of_rows
        assert list(computed) == names
        check_same([computed], [together[names]])


CROWD: list = []


def make_crowd() -> tuple[World, pd.DataFrame, pd.DataFrame]:
    """Many events of many users on whole hours, so that many share their moment, computed once."""
    if not CROWD:
        rng = np.random.default_rng(7)
        num_events, num_users, num_queries = 6000, 200, 100
        happened = pd.DataFrame(
            {
                "user_id": rng.integers(0, num_users, num_events),
                "item_id": rng.integers(0, ITEMS, num_events),
                "event_time": at(0) + rng.integers(0, 90 * 24, num_events) * 60 * MINUTE,
                "event_order": range(num_events),
            }
        )
        # Most ask at one of their own events or ten minutes after it, some never had any.
        own = happened.sample(num_queries, random_state=7)
        is_stranger = np.arange(num_queries) % 10 == 0
        asked = pd.DataFrame(
            {
                "user_id": np.where(is_stranger, num_users, own["user_id"]),
                "as_of": own["event_time"].to_numpy() + rng.integers(0, 2, num_queries) * 10 * MINUTE,
                "as_of_order": rng.integers(0, num_events, num_queries),
            }
        )
        items = pd.DataFrame(
            {
                "item_id": [f"i{item}" for item in range(ITEMS)],
                "genres": [["x"], ["x", "y"], [], ["z", "y", "x"], ["z"]],
                "maker": [["m"], ["n"], ["m"], [], ["n"]],
                "price": [0.1, np.nan, 0.3, 7.7, -1 / 3],
                "year": [1999.0, 2001.0, np.nan, 1980.0, 2001.0],
            }
        )
        world = World(
            items, happened, asked, np.stack([rng.permutation(ITEMS)[:4] for _ in range(num_queries)])
        )
        CROWD.append((world, *world.compute()))
    return CROWD[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_values_are_the_same_for_any_row_order_and_threads(threads: int):
    world, of_query, of_rows = make_crowd()
    shuffled = replace(world, happened=world.happened.sample(frac=1, random_state=threads))
    engine = open_engine(threads)
    check_same([shuffled.compute_of_query(engine=engine)], [of_query])
    check_same([shuffled.compute_of_rows(engine=engine)], [of_rows])


def test_every_column_tells_something():
    """A crowd meets every case: no column is constant or wholly unknown, so that equality says something."""
    _, of_query, of_rows = make_crowd()
    computed = [*of_query.items(), *of_rows.items()]
    # Early in the year there is no summer nor autumn.
    constant = {name for name, values in computed if values.nunique() < 2}
    assert constant == {"context_summer", "context_autumn"}


def test_counts_and_places_are_never_unknown():
    _, of_query, of_rows = make_crowd()
    computed = pd.concat([of_query.isna().any(), of_rows.isna().any()])
    known = [name for name in computed.index if name.startswith(("user_events", "item_events", "context_"))]
    known += ["user_distinct_items", "pair_times_met", "pair_text_to_mean", "pair_text_to_nearest"]
    assert not computed[known].any()
    assert computed.drop(known).any()


def test_a_world_holds_what_the_features_read():
    world, _, _ = make_crowd()
    interactions = to_interactions(world.happened)
    assert interactions.duplicated("event_time").any()
    assert not world.asked["user_id"].isin(world.happened["user_id"]).all()
