"""Windows and histories that end just before a query: worked by hand, and against plain Python."""

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.point_in_time import (
    LAST_ORDER,
    TimeLine,
    compute_before,
    find_recent_events,
    to_microseconds,
)
from tests.event_tables import (
    DAY,
    at,
    compute,
    events,
    queries,
    repeatable,
    to_interactions,
    to_queries,
    whole_numbers,
)


def build_counts(line: TimeLine) -> dict[str, ir.Value]:
    first = line.table["event_time"].min().over(line.before())
    return {
        "before": line.count(line.before()),
        "week": line.count(line.trailing(days=7)),
        "month": line.count(line.trailing(days=30)),
        "days_since_first": line.days_since(first),
    }


def count_by_pair(asked: ir.Table, happened: ir.Table) -> ir.Table:
    return compute_before(asked, happened, ["user_id", "item_id"], build_counts)


def count(asked: dict[str, list[int]], happened: dict[str, list[int]]) -> pd.DataFrame:
    return compute(count_by_pair, whole_numbers(**asked), whole_numbers(**happened))


class TestComputeBefore:
    def test_windows_are_half_open(self):
        # As of day 40, [33, 40) and [10, 40): each opening moment is inside, and the microsecond before it is
        # not; the last microsecond before the query is inside, and the query's own moment is not.
        times = [at(10, -1), at(10), at(33, -1), at(33), at(40, -1), at(40), at(41)]
        same = [1] * len(times)
        got = count(
            {"row": [0], "user_id": [1], "item_id": [1], "as_of": [at(40)]},
            {"user_id": same, "item_id": same, "event_time": times},
        )
        # Before: 5. Week: day 33 and the last microsecond. Month: those, day 33 less 1 µs, and day 10.
        assert got[["before", "week", "month"]].to_numpy().tolist() == [[5, 2, 4]]
        assert got.loc[0, "days_since_first"] == (30 * DAY + 1) / DAY

    def test_keys_are_kept_apart_in_every_column(self):
        # Events of pairs (1, 1), (1, 2) and (2, 1); one query of each, and of (2, 2), which has none.
        got = count(
            {"row": [0, 1, 2, 3], "user_id": [1, 1, 2, 2], "item_id": [1, 2, 1, 2], "as_of": [at(9)] * 4},
            {"user_id": [1, 1, 1, 2], "item_id": [1, 1, 2, 1], "event_time": [at(0), at(8), at(4), at(1)]},
        )
        assert got["before"].tolist() == [2, 1, 1, 0]
        assert got["week"].tolist() == [1, 1, 0, 0]
        np.testing.assert_array_equal(got["days_since_first"], [9.0, 5.0, 8.0, np.nan])

    def test_queries_of_one_moment_do_not_count_each_other(self):
        got = count(
            {"row": [5, 3, 4], "user_id": [1] * 3, "item_id": [1] * 3, "as_of": [at(2), at(1), at(2)]},
            {"user_id": [1], "item_id": [1], "event_time": [at(1)]},
        )
        assert got[["row", "before"]].to_numpy().tolist() == [[3, 0], [4, 1], [5, 1]]

    def test_far_times_keep_their_microseconds(self):
        # In the year 2600 floats no longer hold a moment to the microsecond.
        late = int(np.datetime64("2600-01-01", "us").astype(np.int64))
        got = count(
            {"row": [0], "user_id": [1], "item_id": [1], "as_of": [late]},
            {"user_id": [1, 1], "item_id": [1, 1], "event_time": [late - 1, late]},
        )
        assert got.loc[0, "before"] == 1
        assert got.loc[0, "days_since_first"] == 1 / DAY

    @repeatable(max_examples=25)
    @given(st.data(), queries(), events())
    def test_equals_plain_python(self, data: st.DataObject, asked: pd.DataFrame, happened: pd.DataFrame):
        asked = asked.assign(item_id=[data.draw(st.integers(0, 1)) for _ in range(len(asked))])
        happened = happened.assign(item_id=happened["item_id"] % 2)
        got = compute(
            count_by_pair,
            asked[["row", "user_id", "item_id", "as_of"]],
            happened[["user_id", "item_id", "event_time"]],
        )
        expected = [self.count_by_hand(query, happened) for query in asked.itertuples()]
        np.testing.assert_array_equal(got[["before", "week", "month"]], expected)

    def count_by_hand(self, query, happened: pd.DataFrame) -> list[int]:
        past = [
            e.event_time
            for e in happened.itertuples()
            if (e.user_id, e.item_id) == (query.user_id, query.item_id) and e.event_time < query.as_of
        ]
        return [len(past), *(sum(time >= query.as_of - days * DAY for time in past) for days in (7, 30))]


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

    @repeatable(max_examples=80)
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
