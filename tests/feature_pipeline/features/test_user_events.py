"""Events of a user: windows worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.user_events import UserEvents
from tests.event_tables import DAY, MINUTE, ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds


def count(*times: int, as_of: int = at(40), **parameters: object) -> list[float]:
    got = compute(
        UserEvents(**parameters), happen(*(("ann", "a", time) for time in times)), ask(("ann", as_of))
    )
    return got.iloc[0].tolist()


def test_reads_only_what_lies_before_the_query():
    # As of day 40: days 0, 10 and 39 lie before; day 40 is the query's own moment. [10, 40) holds two.
    assert count(at(41), at(39), at(0), at(40), at(10)) == [3, 2]


def test_a_window_opens_to_the_microsecond_and_ends_before_the_moment():
    assert count(at(10)) == [1, 1]
    assert count(at(10, -1)) == [1, 0]
    assert count(at(40, -1)) == [1, 1]
    assert count(at(40)) == [0, 0]


def test_windows_in_days_hours_and_minutes_name_their_columns():
    got = compute(
        UserEvents(windows=("2d", "3h", "all", "5m")),
        happen(*(("ann", "a", at(40) - back) for back in (2 * DAY, DAY // 8, DAY // 8 + 1, 5 * MINUTE, 1))),
        ask(("ann", at(40))),
    )
    # 2 days ago opens the first; 3 hours ago the second, and the microsecond before it does not.
    assert got.iloc[0].to_dict() == {
        "user_events_2d": 5,
        "user_events_3h": 3,
        "user_events_before": 5,
        "user_events_5m": 2,
    }


def test_events_of_one_moment_all_count():
    assert count(at(39), at(39), at(10, -1), at(10, -1)) == [4, 2]


def test_users_are_kept_apart_and_strangers_count_zero():
    happened = happen(("ann", "a", at(1)), ("bob", "a", at(2)), ("bob", "b", at(3)))
    asked = ask(("bob", at(3)), ("zoe", at(9)), ("ann", at(9)), ("bob", at(9)), ("bob", at(3)))
    got = compute(UserEvents(), happened, asked)
    assert got["user_events_before"].tolist() == [1, 0, 1, 2, 1]


def test_far_times_keep_their_microseconds():
    # In the year 2600 floats no longer hold a moment to the microsecond.
    late = int(np.datetime64("2600-01-01", "us").astype(np.int64))
    assert count(late - 1, late, late - 30 * DAY, late - 30 * DAY - 1, as_of=late) == [3, 2]


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def count_by_hand(past: pd.DataFrame, query) -> list[float]:
        own = past[past["user_id"] == query.user_id]["event_time"]
        since = [query.as_of - pd.Timedelta(window) for window in ("30D", "7D", "31min")]
        return [len(own), *(int((own >= start).sum()) for start in since)]

    got = world.compute_of_query([UserEvents(windows=("all", "30d", "7d", "31m"))])
    np.testing.assert_array_equal(got, world.work_out(count_by_hand))
