"""What was known just before a moment: running states and histories, by hand and against plain Python."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.arrays import Table
from feature_pipeline.engine.engine import Computation, declare_table
from feature_pipeline.point_in_time import (
    LAST_ORDER,
    Line,
    accumulate,
    find_recent_events,
    find_untimed,
    forget_moments,
    to_microseconds,
)
from tests.event_tables import (
    at,
    events,
    open_engine,
    queries,
    repeatable,
    run_computation,
    to_interactions,
    to_queries,
    whole_numbers,
)

EVENTS = declare_table("events", "user_id", "item_id", "event_time", "value")
KEY = ("user_id", "item_id")


def build_states() -> Computation:
    line = Line(EVENTS, KEY)
    # Of rows whose value is negative, `known` is null.
    known = (EVENTS["value"] >= 0).ifelse(EVENTS["value"], ibis.null().cast("int64"))
    columns: dict[str, ir.Value] = {
        "count": line.count(),
        "sum": line.sum(EVENTS["value"]),
        "max": line.max(known),
        "first": line.first(),
    }
    return Computation({}, accumulate(EVENTS, KEY, **columns), "duckdb")


STATES = build_states()


def run(happened: pd.DataFrame) -> pd.DataFrame:
    got = run_computation(open_engine(), STATES, events=happened)
    return got.sort_values([*KEY, "event_time"], ignore_index=True)


class TestAccumulate:
    def test_states_hold_everything_up_to_their_instant(self):
        # Of one key days 3, 1, 2; of another user, and of another item, one event each.
        got = run(
            whole_numbers(
                user_id=[1, 1, 1, 2, 1],
                item_id=[1, 1, 1, 1, 2],
                event_time=[at(3), at(1), at(2), at(0), at(9)],
                value=[5, 7, -3, 2, 4],
            )
        )
        assert got.drop(columns=["user_id", "item_id"]).to_numpy().tolist() == [
            [at(1), 1, 7, 7, at(1)],
            [at(2), 2, 4, 7, at(1)],
            [at(3), 3, 9, 7, at(1)],
            [at(9), 1, 4, 4, at(9)],
            [at(0), 1, 2, 2, at(0)],
        ]

    def test_events_of_one_instant_are_in_every_state_of_it(self):
        times = [at(1), at(1), at(1, 1)]
        got = run(whole_numbers(user_id=[1] * 3, item_id=[1] * 3, event_time=times, value=[2, 3, 4]))
        assert got[["count", "sum", "max"]].to_numpy().tolist() == [[2, 5, 3], [2, 5, 3], [3, 9, 4]]

    def test_a_largest_of_nothing_known_is_null(self):
        got = run(whole_numbers(user_id=[1, 1], item_id=[1, 1], event_time=[at(0), at(1)], value=[-1, 0]))
        np.testing.assert_array_equal(got["max"], [np.nan, 0])

    def test_sums_of_large_whole_numbers_are_exact(self):
        # Beyond 2 ** 53 floats no longer tell neighbours apart.
        got = run(whole_numbers(user_id=[1, 1], item_id=[1, 1], event_time=[0, 1], value=[2**61, 1]))
        assert got["sum"].tolist() == [2**61, 2**61 + 1]

    def test_without_events_there_are_no_states(self):
        got = run(whole_numbers(user_id=[], item_id=[], event_time=[], value=[]))
        assert got.empty
        assert set(got.dtypes.astype(str)) == {"int64"}

    @repeatable(max_examples=10)
    @given(events(max_size=40), st.integers(0, 3))
    def test_equals_plain_python(self, happened: pd.DataFrame, seed: int):
        value = np.random.default_rng(seed).integers(0, 99, len(happened))
        happened = happened.assign(value=value).drop(columns="event_order")
        expected = []
        for event in happened.itertuples():
            own = happened[(happened["user_id"] == event.user_id) & (happened["item_id"] == event.item_id)]
            past = own[own["event_time"] <= event.event_time]
            running = [len(past), past["value"].sum(), past["value"].max(), own["event_time"].min()]
            expected.append([event.user_id, event.item_id, event.event_time, *running])
        assert run(happened).to_numpy().tolist() == sorted(expected)


def find(
    asked: list[tuple[int, int, int]], happened: list[tuple[int, int, int]], length: int
) -> list[list[int]]:
    """Queries and events as (user, time, order)."""
    user_id, as_of, as_of_order = zip(*asked, strict=True) if asked else ([], [], [])
    queried = whole_numbers(user_id=user_id, as_of=as_of, as_of_order=as_of_order)
    user_id, event_time, event_order = zip(*happened, strict=True) if happened else ([], [], [])
    past = whole_numbers(user_id=user_id, event_time=event_time, event_order=event_order)
    return find_recent_events(queried, past, length).tolist()


class TestFindRecentEvents:
    def test_finds_the_latest_oldest_first_and_pads_on_the_left(self):
        # Positions 2, 0, 1 are in order of time; the last is after the query.
        happened = [(1, at(2), 0), (1, at(3), 1), (1, at(1), 2), (1, at(5), 3)]
        assert find([(1, at(4), 0)], happened, length=2) == [[0, 1]]
        assert find([(1, at(4), 0)], happened, length=5) == [[-1, -1, 2, 0, 1]]

    def test_ties_of_time_are_decided_by_order(self):
        # All at the query's own moment, with orders 7, 3 and 5: those below the query's order are earlier.
        happened = [(1, at(1), 7), (1, at(1), 3), (1, at(1), 5)]
        assert find([(1, at(1), 5)], happened, length=3) == [[-1, -1, 1]]
        assert find([(1, at(1), 6)], happened, length=3) == [[-1, 1, 2]]
        assert find([(1, at(1), LAST_ORDER)], happened, length=3) == [[1, 2, 0]]
        assert find([(1, at(1), 0)], happened, length=3) == [[-1, -1, -1]]

    def test_the_order_says_nothing_between_different_times(self):
        happened = [(1, at(1), 9), (1, at(1, 1), 0)]
        assert find([(1, at(1, 1), 0)], happened, length=2) == [[-1, 0]]
        assert find([(1, at(1, 2), 0)], happened, length=2) == [[0, 1]]

    def test_users_do_not_see_each_other(self):
        happened = [(2, at(1), 0), (1, at(2), 1), (2, at(3), 2), (3, at(1), 3)]
        asked = [(1, at(9), 0), (2, at(9), 0), (4, at(9), 0), (2, at(2), 0)]
        assert find(asked, happened, length=2) == [[-1, 1], [0, 2], [-1, -1], [-1, 0]]

    def test_without_events_or_queries(self):
        assert find([(1, at(1), 0)], [], length=2) == [[-1, -1]]
        assert find([], [(1, at(1), 0)], length=2) == []

    def test_positions_are_whole_numbers_for_any_index_of_the_frames(self):
        asked = pd.DataFrame(
            {"user_id": ["b"], "as_of": [pd.Timestamp("2024-01-03")], "as_of_order": [0]}, index=[7]
        )
        happened = pd.DataFrame(
            {
                "user_id": ["a", "b"],
                "event_time": pd.to_datetime(["2024-01-01", "2024-01-02"]),
                "event_order": [0, 1],
            },
            index=[50, 40],
        )
        found = find_recent_events(asked, happened, 1)
        assert found.tolist() == [[1]]
        assert found.dtype == np.int64

    @repeatable(max_examples=40)
    @given(queries(), events(), st.integers(1, 4))
    def test_equals_plain_python(self, asked: pd.DataFrame, happened: pd.DataFrame, length: int):
        expected = []
        for query in asked.itertuples():
            past = [
                (e.event_time, e.event_order, e.Index)
                for e in happened.itertuples()
                if e.user_id == query.user_id
                and (e.event_time, e.event_order) < (query.as_of, query.as_of_order)
            ]
            latest = [position for _, _, position in sorted(past)][-length:]
            expected.append([-1] * (length - len(latest)) + latest)
        assert find_recent_events(asked, happened, length).tolist() == expected
        named = find_recent_events(to_queries(asked), to_interactions(happened), length)
        assert named.tolist() == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_microseconds_of_times_in_any_unit(unit: str):
    # One day and one second after 1970: 86,401 seconds.
    assert to_microseconds(pd.Series(np.array(["1970-01-02T00:00:01"], f"datetime64[{unit}]"))) == [
        86_401_000_000
    ]


def test_microseconds_stay_what_they_are():
    assert to_microseconds(pd.Series([at(0, 1)])).tolist() == [at(0, 1)]


class TestForgetMoments:
    # Of one user two events of one instant, the later of which stands first, and one of a day after.
    HAPPENED = to_interactions(
        whole_numbers(
            user_id=[0, 0, 0, 1],
            item_id=[0, 1, 2, 0],
            event_time=[at(1), at(1), at(2), at(5)],
            event_order=[8, 3, 0, 4],
        )
    ).assign(mood=[["calm"], ["glad"], ["sad"], []])

    def forget(self, *asked: tuple[int, int, int]) -> pd.DataFrame:
        """Of queries by user, time and order."""
        user_id, as_of, as_of_order = zip(*asked, strict=True)
        frame = to_queries(whole_numbers(user_id=user_id, as_of=as_of, as_of_order=as_of_order))
        return forget_moments(frame.assign(mood=[["own"]] * len(frame)), self.HAPPENED)

    def test_a_query_stands_where_the_event_before_it_does(self):
        got = self.forget((0, at(9), LAST_ORDER), (0, at(2), 0), (0, at(1), 8), (0, at(1, 1), 0))
        assert to_microseconds(got["as_of"]).tolist() == [at(2), at(1), at(1), at(1)]
        assert got["mood"].tolist() == [["sad"], ["calm"], ["glad"], ["calm"]]
        assert got["untimed"].tolist() == [True] * 4
        # The history is the same, the instant's other events apart that come later.
        assert find_recent_events(got, self.HAPPENED, 3).tolist() == [
            [1, 0, 2],
            [-1, 1, 0],
            [-1, -1, 1],
            [-1, 1, 0],
        ]

    def test_a_query_without_events_before_it_stays(self):
        got = self.forget((0, at(1), 3), (0, at(3), 0), (2, at(4), 7))
        assert to_microseconds(got["as_of"]).tolist() == [at(1), at(2), at(4)]
        assert got["as_of_order"].tolist() == [3, 1, 7]
        assert got["mood"].tolist() == [["own"], ["sad"], ["own"]]
        assert got["untimed"].tolist() == [False, True, False]

    @repeatable(max_examples=30)
    @given(events(min_size=1, max_size=15))
    def test_nothing_tells_when_the_query_comes(self, happened: pd.DataFrame):
        """Each event as a query: the same, were it and all that follows a year later, or not at all."""
        interactions = to_interactions(happened)
        names = {"event_time": "as_of", "event_order": "as_of_order"}
        ordered = interactions.sort_values(["event_time", "event_order"], ignore_index=True)
        for place in range(len(ordered)):
            query = ordered.rename(columns=names).iloc[[place]][["user_id", "as_of", "as_of_order"]]
            before = forget_moments(query, ordered)
            if before["untimed"].all():
                later = query.assign(as_of=query["as_of"] + pd.Timedelta(365, "D"))
                pd.testing.assert_frame_equal(forget_moments(later, ordered.iloc[:place]), before)


def test_queries_are_timed_unless_they_say_otherwise():
    frame = to_queries(whole_numbers(user_id=[0, 1], as_of=[1, 2], as_of_order=[0, 0]))
    assert find_untimed(frame).tolist() == [False, False]
    untimed = frame.assign(untimed=[True, False])
    assert find_untimed(untimed).tolist() == [True, False]
    assert find_untimed(Table({"untimed": np.array([False, True])})).tolist() == [False, True]
