"""Events in the order of lives: worked by hand, and against plain pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features.layered_timeline import LayeredTimeline
from feature_pipeline.features.timeline import order_events, read_timeline, write_timeline
from feature_pipeline.point_in_time import LAST_ORDER, find_recent_events
from tests.event_tables import (
    USERS,
    at,
    events,
    queries,
    repeatable,
    to_arrays,
    to_interactions,
    walk,
    whole_numbers,
)

# User 4 has two events of one instant, the second of the file first; user 9 one event.
HAPPENED = whole_numbers(
    user_id=[9, 4, 4, 4],
    item_id=[1, 7, 1, 3],
    event_time=[at(1), at(5), at(5), at(2)],
    event_order=[0, 3, 2, 1],
)
LIFE = order_events(HAPPENED)


def list_events(table: dict[str, np.ndarray] | pd.DataFrame) -> list[tuple]:
    """Rows in order of their values."""
    return sorted(pd.DataFrame(table).itertuples(index=False, name=None))


class TestByHand:
    def test_events_stand_by_user_time_and_order(self):
        assert len(LIFE) == 4
        assert LIFE.columns["user_id"].tolist() == [4, 4, 4, 9]
        assert LIFE.columns["item_id"].tolist() == [3, 1, 7, 1]
        assert list(LIFE.columns) == list(HAPPENED)

    def test_events_of_a_user(self):
        assert LIFE.find_span(4) == slice(0, 3)
        assert LIFE.find_span(9) == slice(3, 4)
        # Between, before and after those who have events.
        for user in (5, -1, 10):
            assert LIFE.find_span(user) == slice(0, 0)
        assert LIFE.find_users(np.array([9, 5, 4])).tolist() == [3, 0, 1, 2]

    def test_events_before_a_moment(self):
        assert LIFE.find_before(4, at(2), 0) == slice(0, 0)
        assert LIFE.find_before(4, at(2), 2) == slice(0, 1)
        assert LIFE.find_before(4, at(5), 2) == slice(0, 1)
        assert LIFE.find_before(4, at(5), 3) == slice(0, 2)
        assert LIFE.find_before(4, at(5), LAST_ORDER) == slice(0, 3)
        assert LIFE.find_before(4, at(5, 1), -1) == slice(0, 3)
        assert LIFE.find_before(9, at(9), 0) == slice(3, 4)
        assert LIFE.find_before(5, at(9), 0) == slice(0, 0)

    def test_events_with_an_item(self):
        assert LIFE.find_items(np.array([1, 7])).tolist() == [1, 3, 2]
        assert LIFE.find_items(np.array([-1, 0, 8, 2])).tolist() == []
        assert list_events(LIFE.take(LIFE.find_items(np.array([1])))) == [(4, 1, at(5), 2), (9, 1, at(1), 0)]

    def test_steps_from_some_events_go_both_ways(self):
        steps = LIFE.find_steps(np.array([1]), 5)
        assert list_events(steps) == [(1, 3, at(5), -1), (1, 7, at(5), 1)]

    def test_without_events(self):
        nothing = order_events(HAPPENED.head(0))
        assert len(nothing) == 0
        assert nothing.find_before(4, at(9), 0) == slice(0, 0)
        assert nothing.find_users(np.array([4])).tolist() == nothing.find_items(np.array([1])).tolist() == []
        assert len(nothing.find_steps(np.empty(0, np.int64), 3)["item_id"]) == 0


@repeatable(max_examples=30)
@given(events(max_size=25, users=USERS), queries(max_size=6))
def test_histories_equal_plain_pandas(happened: pd.DataFrame, asked: pd.DataFrame):
    timeline, length = order_events(happened), 4
    places = find_recent_events(asked, happened, length)
    for query, found in zip(asked.itertuples(), places, strict=True):
        before = timeline.find_before(query.user_id, query.as_of, query.as_of_order)
        orders = timeline.columns["event_order"][before][-length:]
        assert orders.tolist() == happened["event_order"].to_numpy()[found[found >= 0]].tolist()


@repeatable(max_examples=30)
@given(events(max_size=25, users=USERS), st.sets(st.integers(-1, 6)))
def test_events_and_steps_equal_plain_pandas(happened: pd.DataFrame, numbers: set[int]):
    timeline, wanted = order_events(happened), np.array(sorted(numbers), np.int64)
    for name, find in (("user_id", timeline.find_users), ("item_id", timeline.find_items)):
        assert list_events(timeline.take(find(wanted))) == list_events(happened[happened[name].isin(numbers)])
    steps = [
        (int(left[1:]), int(reached[1:]), int(time.value // 1000), back)
        for left, reached, time, back in walk(to_interactions(happened), 3)
    ]
    steps += [(reached, left, time, -back) for left, reached, time, back in steps]
    found = timeline.find_steps(timeline.find_items(wanted), 3)
    assert list_events(found) == sorted(step for step in steps if step[0] in numbers)


def test_what_is_written_is_read(tmp_path: Path):
    write_timeline(LIFE, tmp_path / "events")
    read = read_timeline(tmp_path / "events")
    assert list(read.columns) == list(LIFE.columns)
    for name, values in LIFE.columns.items():
        np.testing.assert_array_equal(read.columns[name], values)
    assert read.find_items(np.array([1])).tolist() == [1, 3]
    assert read.find_before(4, at(5), 3) == slice(0, 2)


class TestLayers:
    @repeatable(max_examples=20)
    @given(events(max_size=30, users=USERS), st.integers(1, 9), st.sets(st.integers(-1, 6)))
    def test_added_events_are_found_like_any_other(
        self, happened: pd.DataFrame, size: int, numbers: set[int]
    ):
        in_order = happened.sort_values("event_order", ignore_index=True)
        layered = LayeredTimeline((order_events(in_order.head(size)),))
        for start in range(size, len(in_order), size):
            layered = layered.add(to_arrays(in_order.iloc[start : start + size]))
        whole, wanted = order_events(happened), np.array(sorted(numbers), np.int64)
        for source, places in (("of_user", whole.find_users(wanted)), ("of_item", whole.find_items(wanted))):
            assert list_events(layered.find(source, wanted, 3)) == list_events(whole.take(places))
        steps = whole.find_steps(whole.find_items(wanted), 3)
        assert list_events(layered.find("steps", wanted, 3)) == list_events(steps)
        for user in range(-1, USERS + 1):
            layer = layered.choose(user)
            own = {name: values[layer.find_span(user)] for name, values in layer.columns.items()}
            assert list_events(own) == list_events(whole.take(np.arange(len(whole))[whole.find_span(user)]))

    def test_a_timeline_stays_as_it_was(self):
        layered = LayeredTimeline((LIFE,))
        more = layered.add(
            to_arrays(whole_numbers(user_id=[9], item_id=[2], event_time=[at(0)], event_order=[4]))
        )
        assert more.choose(9).columns["item_id"].tolist() == [2, 1]
        assert more.choose(4) is layered.choose(9) is LIFE
