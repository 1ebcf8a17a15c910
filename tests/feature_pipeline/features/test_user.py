"""The activity of a user: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features import user
from tests.event_tables import DAY, at, compute, events, queries, repeatable, whole_numbers

COLUMNS = ["user_events_before", "user_events_30d", "user_days_since_last", "user_mean_gap_days"]


def compute_activity(asked: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
    return compute(
        user.compute, asked[["row", "user_id", "as_of"]], happened[["user_id", "event_time"]]
    ).set_index("row")


def ask(user_id: int, as_of: int) -> pd.DataFrame:
    return whole_numbers(row=[0], user_id=[user_id], as_of=[as_of])


def happen(user_id: int, *times: int) -> pd.DataFrame:
    return whole_numbers(user_id=[user_id] * len(times), event_time=list(times))


def test_names_its_columns_in_order():
    assert [spec.name for spec in user.SPECS] == COLUMNS
    assert list(compute_activity(ask(1, at(0)), happen(1))) == COLUMNS
    assert {spec.side for spec in user.SPECS} == {"query"}


def test_reads_only_what_lies_before_the_query():
    # As of day 40: events of days 0, 10 and 39 are read; those at day 40 itself and at day 41 are not.
    # [10, 40) holds days 10 and 39. The last is 40 - 39 = 1 day ago; the mean gap is (39 - 0) / 2 = 19.5.
    got = compute_activity(ask(1, at(40)), happen(1, at(41), at(39), at(0), at(40), at(10)))
    assert got.loc[0].tolist() == [3, 2, 1.0, 19.5]


def test_the_window_of_30_days_opens_to_the_microsecond():
    inside, outside = at(10), at(10, -1)
    assert compute_activity(ask(1, at(40)), happen(1, inside)).loc[0, "user_events_30d"] == 1
    assert compute_activity(ask(1, at(40)), happen(1, outside)).loc[0, "user_events_30d"] == 0


def test_an_event_one_microsecond_earlier_is_read():
    got = compute_activity(ask(1, at(40)), happen(1, at(40, -1)))
    assert got.loc[0, "user_events_before"] == 1
    assert got.loc[0, "user_days_since_last"] == 1 / DAY


def test_one_event_has_no_gap_and_no_event_has_no_days_either():
    single = compute_activity(ask(1, at(2.5)), happen(1, at(2))).loc[0]
    assert single.tolist()[:3] == [1, 1, 0.5]
    assert np.isnan(single["user_mean_gap_days"])
    without = compute_activity(ask(1, at(2)), happen(2, at(0), at(1))).loc[0]
    assert without.tolist()[:2] == [0, 0]
    assert without[["user_days_since_last", "user_mean_gap_days"]].isna().all()


def test_events_of_one_moment_have_gap_zero():
    assert compute_activity(ask(1, at(2)), happen(1, at(1), at(1))).loc[0].tolist() == [2, 2, 1.0, 0.0]


def test_counts_are_whole_numbers_and_days_are_floats():
    got = compute_activity(ask(1, at(2)), happen(1, at(1)))
    assert got.dtypes.astype(str).tolist() == ["int64", "int64", "float64", "float64"]


def test_no_queries_give_no_rows():
    got = compute_activity(whole_numbers(row=[], user_id=[], as_of=[]), happen(1, at(1)))
    assert got.shape == (0, 4)


def compute_by_hand(asked: pd.DataFrame, happened: pd.DataFrame) -> list[list[float]]:
    rows = []
    for query in asked.itertuples():
        past = [e.event_time for e in happened.itertuples() if e.user_id == query.user_id]
        past = [time for time in past if time < query.as_of]
        rows.append(
            [
                len(past),
                sum(time >= query.as_of - 30 * DAY for time in past),
                (query.as_of - max(past)) / DAY if past else np.nan,
                (max(past) - min(past)) / (len(past) - 1) / DAY if len(past) > 1 else np.nan,
            ]
        )
    return rows


@repeatable(max_examples=25)
@given(queries(), events())
def test_equals_plain_python(asked: pd.DataFrame, happened: pd.DataFrame):
    got = compute_activity(asked, happened)
    np.testing.assert_allclose(got.to_numpy(), compute_by_hand(asked, happened), rtol=1e-15)
