"""Live features: whatever stands and whatever is added, they are those of all events at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.arrays import Arrays
from feature_pipeline.engine.memory.memory import MemoryEngine
from feature_pipeline.features.events import StoredEvents
from feature_pipeline.features.live import LiveEvents
from tests.event_tables import at, to_queries, whole_numbers
from tests.feature_pipeline.engine.test_spark import make_world
from tests.feature_pipeline.features.living import (
    HISTORY,
    Life,
    check_same,
    compute_all,
    follow,
    lives,
    split_world,
    stand,
    to_added,
)
from tests.feature_pipeline.features.test_every_feature import make_crowd
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds


def compute_at_once(world: World) -> list[pd.DataFrame]:
    """By a builder that has all events, on the engine that equals DuckDB."""
    return compute_all(world.build(engine=MemoryEngine()), world)


def cut(happened: pd.DataFrame, parts: int) -> list[pd.DataFrame]:
    """The events in batches of about one size."""
    return [happened.iloc[rows] for rows in np.array_split(np.arange(len(happened)), parts)]


def add_all(live: LiveEvents, *batches: pd.DataFrame) -> LiveEvents:
    for batch in batches:
        live = live.add(to_added(batch))
    return live


class TestEveryFeatureEqualsDuckDB:
    @repeatable_worlds(max_examples=5)
    @given(worlds())
    def test_in_a_generated_world(self, world: World):
        expected = compute_all(world.build(), world)
        check_same(compute_at_once(world), expected)
        check_same(compute_all(follow(world, stand(world)), world), expected)

    def test_where_much_happens(self):
        world = make_world()
        expected = compute_all(world.build(), world)
        check_same(compute_at_once(world), expected)
        check_same(compute_all(follow(world, stand(world)), world), expected)

    def test_in_a_crowd(self):
        world, of_query, of_rows = make_crowd()
        check_same(compute_at_once(world)[:2], [of_query, of_rows])
        check_same(compute_all(follow(world, stand(world)), world)[:2], [of_query, of_rows])

    def test_where_nothing_has_happened(self):
        world = make_world()
        world = replace(world, happened=world.happened.head(0))
        expected = compute_all(world.build(), world)
        check_same(compute_at_once(world), expected)
        check_same(compute_all(follow(world, stand(world)), world), expected)


class TestAdd:
    @repeatable_worlds(max_examples=12)
    @given(lives())
    def test_added_events_count_as_if_they_had_always_been_there(self, life: Life):
        live = life.stand()
        before = compute_all(follow(life.world, live), life.world)
        check_same(before, compute_at_once(life.at(0)))
        more = live
        for count, batch in enumerate(life.batches, start=1):
            more = more.add(to_added(batch))
            check_same(compute_all(follow(life.world, more), life.world), compute_at_once(life.at(count)))
        # What was added to is as it was.
        check_same(compute_all(follow(life.world, live), life.world), before)

    @repeatable_worlds(max_examples=6)
    @given(lives(max_batches=1), st.randoms(use_true_random=False))
    def test_one_by_one_is_as_all_at_once(self, life: Life, random):
        # In any order of users and times.
        added = life.batches[0].sample(frac=1, random_state=random.randrange(1000))
        last = len(life.stood)
        added = added.assign(event_order=np.arange(last, last + len(added)))
        life = replace(life, batches=[added])
        live = add_all(life.stand(), *(added.iloc[[row]] for row in range(len(added))))
        check_same(compute_all(follow(life.world, live), life.world), compute_at_once(life.at(1)))

    def test_a_crowd_in_many_batches(self):
        world = make_crowd()[0]
        late = np.random.default_rng(0).integers(1, 800, len(world.happened))
        life = split_world(world, np.where(late <= 40, late, 0), 40)
        live = add_all(life.stand(), *life.batches)
        check_same(compute_all(follow(world, live), world), compute_at_once(life.at(40)))

    @repeatable_worlds(max_examples=20)
    @given(worlds(), st.integers(0, 9))
    def test_what_events_left_behind(self, world: World, seed: int):
        rng = np.random.default_rng(seed)
        left = rng.normal(size=(len(world.happened), 3)).astype(np.float32)
        left[rng.random(len(left)) < 0.4] = 0
        outcomes = {"review_embedding": left}
        stored = StoredEvents(world.interactions, world.items, outcomes, reach=1)
        live = stand(world, outcomes=outcomes).add(to_added(world.happened))
        asked = to_queries(world.asked)
        expected = stored.compute_vectors(stored.number(asked))["review_history_embedding"]
        found = live.compute_vectors(live.number(asked))["review_history_embedding"]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)

    def test_added_events_come_after_all_others_of_the_instant(self):
        stood = whole_numbers(user_id=[0, 0], item_id=[1, 2], event_time=[at(1), at(1)], event_order=[5, 3])
        added = whole_numbers(user_id=[0, 0], item_id=[3, 0], event_time=[at(1), at(0)], event_order=[0, 1])
        world = replace(make_world(), happened=stood)
        live = stand(world).add(to_added(added))
        asked = whole_numbers(user_id=[0, 0, 0], as_of=[at(1), at(1), at(2)], as_of_order=[6, 7, 0])
        items, times = follow(world, live).find_timed_history(to_queries(asked), 5)
        assert items.tolist() == [[-1, -1, 0, 2, 1], [-1, 0, 2, 1, 3], [-1, 0, 2, 1, 3]]
        assert times[0].tolist() == [0, 0, at(0), at(1), at(1)]

    def test_newcomers_keep_their_numbers(self):
        world = make_world()
        live = stand(world)
        named = ["u0", "u77", "u88"]
        assert live.number_users(named)[1:].tolist() == [-1, -1]
        one = live.add(to_added(world.happened.head(1).assign(user_id=77)))
        both = one.add(to_added(world.happened.head(2).assign(user_id=[88, 77])))
        assert one.number_users(named)[2] == -1
        assert both.number_users(named)[1] == one.number_users(named)[1]
        assert len({*both.number_users(named), -1}) == 4
        assert live.number_users(named)[1:].tolist() == [-1, -1]

    def test_threads_read_while_events_come_in(self):
        world = make_crowd()[0].take(3)
        added = world.happened.head(60)
        live = [stand(replace(world, happened=world.happened.iloc[60:]))]
        expected = [compute_all(follow(world, live[0]), world)]

        def read(_: int) -> bool:
            count = len(live)
            found = compute_all(follow(world, live[count - 1]), world)
            check_same(found, expected[count - 1])
            return True

        with ThreadPoolExecutor(3) as pool:
            reading = [pool.submit(read, number) for number in range(30)]
            for batch in cut(added, 6):
                more = live[-1].add(to_added(batch))
                expected.append(compute_all(follow(world, more), world))
                live.append(more)
            assert all(one.result() for one in reading)


class Imagined:
    """Events of users that know more than those of items do."""

    def __init__(self, of_users: World, of_items: World):
        self._of_users, self._of_items = (world.build()._events for world in (of_users, of_items))

    def __getattr__(self, name: str) -> object:
        return getattr(self._of_users, name)

    def find_source(self, name: str, tables: Mapping[str, Arrays]) -> Arrays:
        events = self._of_users if name == "of_user" else self._of_items
        return events.find_source(name, tables)


class TestImagined:
    @repeatable_worlds(max_examples=12)
    @given(lives(max_batches=2), st.integers(0, 1))
    def test_what_is_imagined_counts_for_its_users_alone(self, life: Life, imagined: int):
        """One batch is imagined, the other happens before or after it."""
        live = life.stand()
        for number, batch in enumerate(life.batches):
            live = live.add(to_added(batch), of_items=number != imagined)
        happened = pd.concat([life.stood, life.batches[1 - imagined]], ignore_index=True)
        events = Imagined(life.at(2), replace(life.world, happened=happened))
        expected = life.at(2).build().follow(MemoryEngine(), events)
        check_same(compute_all(follow(life.world, live), life.world), compute_all(expected, life.world))

    def test_nothing_changes_for_others(self):
        world = make_world()
        live = stand(world)
        imagined = world.happened.head(3).assign(user_id=0, item_id=[0, 1, 2])
        more = live.add(to_added(imagined), of_items=False)
        is_other = world.asked["user_id"] != 0
        others = replace(world, asked=world.asked[is_other], offered=world.offered[is_other])
        check_same(compute_all(follow(others, more), others), compute_all(follow(others, live), others))
        own = replace(world, asked=world.asked.assign(user_id=0))
        one, other = (compute_all(follow(own, events), own) for events in (live, more))
        changed = [name for name in one[1] if not one[1][name].equals(other[1][name])]
        assert {name.split("_")[0] for name in changed} == {"pair"}
        assert not one[0].equals(other[0])


@repeatable_worlds(max_examples=8)
@given(lives(max_batches=1))
def test_histories_of_any_length(life: Life):
    live = life.stand().add(to_added(life.batches[0]))
    asked = to_queries(life.world.asked)
    whole = life.at(1).build(engine=MemoryEngine()).find_timed_history(asked, 40)
    for length in (1, HISTORY, 40):
        shorter = follow(life.world, live).find_timed_history(asked, length)
        for found, expected in zip(shorter, whole, strict=True):
            np.testing.assert_array_equal(found, expected[:, -length:])


def test_what_happens_leaves_nothing_behind():
    world = make_world()
    assert follow(world, stand(world)).compute_query_vectors(to_queries(world.asked)) == {}


@pytest.mark.parametrize("of_items", [True, False])
def test_adding_nothing_changes_nothing(of_items: bool):
    world = make_world()
    live = stand(world)
    more = live.add(to_added(world.happened.head(0)), of_items)
    check_same(compute_all(follow(world, more), world), compute_all(follow(world, live), world))
