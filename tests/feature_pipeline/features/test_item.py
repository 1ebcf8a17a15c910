"""The popularity of an item: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features import item
from tests.event_tables import (
    DAY,
    at,
    candidates,
    compute,
    events,
    list_rows,
    queries,
    repeatable,
    whole_numbers,
)

COLUMNS = ["item_events_before", "item_events_7d", "item_events_30d", "item_age_days"]


def compute_popularity(rows: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
    happened = happened[["item_id", "event_time"]]
    return compute(item.compute, rows[["row", "item_id", "as_of"]], happened).set_index("row")


def happen(item_id: int, *times: int) -> pd.DataFrame:
    return whole_numbers(item_id=[item_id] * len(times), event_time=list(times))


def ask(item_id: int, *moments: int) -> pd.DataFrame:
    row = list(range(len(moments)))
    return whole_numbers(row=row, item_id=[item_id] * len(row), as_of=list(moments))


def test_names_its_columns_in_order():
    assert [spec.name for spec in item.SPECS] == COLUMNS
    assert list(compute_popularity(ask(1, at(0)), happen(1))) == COLUMNS
    assert {spec.side for spec in item.SPECS} == {"candidate"}


def test_counts_windows_that_end_just_before_the_query():
    # As of day 40 the windows are [33, 40) and [10, 40). Day 5 is in neither, days 10 and 32 in the longer,
    # day 33 in both; day 40 is the query's own moment. First met at day 5: 35 days old.
    times = [at(day) for day in (40, 33, 32, 10, 5)]
    assert compute_popularity(ask(1, at(40)), happen(1, *times)).loc[0].tolist() == [4, 1, 3, 35.0]


def test_the_windows_open_to_the_microsecond():
    # One microsecond before [33, 40) and before [10, 40).
    got = compute_popularity(ask(1, at(40)), happen(1, at(33, -1), at(10, -1)))
    assert got.loc[0].tolist() == [2, 0, 1, 30 + 1 / DAY]


def test_one_item_is_asked_of_at_several_moments():
    # Events at days 1 and 1 (two users) and 9. As of day 1: none. As of one microsecond later: two, age 1 µs.
    # As of day 9: two, of which [2, 9) holds none. As of day 10: three, [3, 10) holds one.
    got = compute_popularity(ask(1, at(1), at(1, 1), at(9), at(10)), happen(1, at(1), at(9), at(1)))
    assert got["item_events_before"].tolist() == [0, 2, 2, 3]
    assert got["item_events_7d"].tolist() == [0, 2, 0, 1]
    assert got["item_events_30d"].tolist() == [0, 2, 2, 3]
    np.testing.assert_array_equal(got["item_age_days"], [np.nan, 1 / DAY, 8.0, 9.0])


def test_an_item_never_met_counts_zero_and_has_no_age():
    got = compute_popularity(ask(2, at(3)), happen(1, at(1))).loc[0]
    assert got.tolist()[:3] == [0, 0, 0]
    assert np.isnan(got["item_age_days"])


def test_counts_are_whole_numbers_and_the_age_is_a_float():
    got = compute_popularity(ask(1, at(2)), happen(1, at(1)))
    assert got.dtypes.astype(str).tolist() == ["int64", "int64", "int64", "float64"]


def compute_by_hand(rows: pd.DataFrame, happened: pd.DataFrame) -> list[list[float]]:
    computed = []
    for row in rows.itertuples():
        past = [e.event_time for e in happened.itertuples() if e.item_id == row.item_id]
        past = [time for time in past if time < row.as_of]
        counts = [sum(time >= row.as_of - days * DAY for time in past) for days in (7, 30)]
        computed.append([len(past), *counts, (row.as_of - min(past)) / DAY if past else np.nan])
    return computed


@repeatable(max_examples=25)
@given(st.data(), queries(), events())
def test_equals_plain_python(data: st.DataObject, asked: pd.DataFrame, happened: pd.DataFrame):
    rows = list_rows(asked, data.draw(candidates(len(asked))))
    expected = np.reshape(compute_by_hand(rows, happened), (len(rows), 4))
    np.testing.assert_allclose(compute_popularity(rows, happened).to_numpy(), expected, rtol=1e-15)
