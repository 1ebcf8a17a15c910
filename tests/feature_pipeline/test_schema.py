"""The contract's own checks, each on rows small enough to judge by eye."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from feature_pipeline import schema
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, WEIGHT, SchemaError, check_interactions

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
USERS = pd.DataFrame({USER_ID: ["u1", "u2"]})
ITEMS = pd.DataFrame({ITEM_ID: ["a", "b"]})


def make_events(*rows: tuple[str | None, str | None, str | None, float]) -> pd.DataFrame:
    users, items, times, weights = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {
            USER_ID: pd.Series(users, dtype="str"),
            ITEM_ID: pd.Series(items, dtype="str"),
            EVENT_TIME: pd.to_datetime(pd.Series(times), format="ISO8601").astype("datetime64[us]"),
            WEIGHT: pd.Series(weights, dtype="float64"),
        }
    )
    return frame.set_axis(range(10, 10 + len(frame)))


def find_faults(*rows: tuple[str | None, str | None, str | None, float]) -> dict[int, tuple[str, str]]:
    faults = check_interactions(make_events(*rows), USERS, ITEMS, NOW)
    return {
        row: (fault.column, fault.reason)
        for row, fault in zip(faults.index, faults.itertuples(), strict=True)
    }


def test_good_rows_have_no_fault() -> None:
    faults = check_interactions(make_events(("u1", "a", "2024-01-01", 1.0)), USERS, ITEMS, NOW)

    assert faults.empty
    assert list(faults.columns) == ["column", "reason"]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (("u9", "a", "2024-01-01", 1.0), USER_ID, "user_id is not in users"),
        (("u1", "z", "2024-01-01", 1.0), ITEM_ID, "item_id is not in items"),
        ((None, "a", "2024-01-01", 1.0), USER_ID, "value is missing or not readable"),
        (("u1", None, "2024-01-01", 1.0), ITEM_ID, "value is missing or not readable"),
        (("u1", "a", None, 1.0), EVENT_TIME, "value is missing or not readable"),
        (("u1", "a", "2024-01-01", np.nan), WEIGHT, "value is missing or not readable"),
        (("u1", "a", "2024-06-01T12:00:00.000001", 1.0), EVENT_TIME, "lies in the future"),
    ],
)
def test_each_fault_is_found_at_its_column(
    row: tuple[str | None, str | None, str | None, float], column: str, reason: str
) -> None:
    assert find_faults(("u2", "b", "2024-01-01", 1.0), row) == {11: (column, reason)}


def test_an_event_of_this_very_moment_is_not_in_the_future() -> None:
    assert find_faults(("u1", "a", "2024-06-01T12:00:00", 1.0)) == {}


def test_now_is_compared_in_utc() -> None:
    events = make_events(("u1", "a", "2024-06-01T12:00:00", 1.0))
    zone = timedelta(hours=5)

    same_moment = pd.Timestamp(NOW).tz_convert("Asia/Karachi").to_pydatetime()
    assert same_moment.utcoffset() == zone
    assert check_interactions(events, USERS, ITEMS, same_moment).empty
    assert len(check_interactions(events, USERS, ITEMS, NOW - timedelta(hours=1))) == 1


def test_of_equal_events_all_but_the_first_are_duplicates() -> None:
    same = ("u1", "a", "2024-01-01", 1.0)
    duplicate = ("user_id, item_id, event_time", "same user, item and time as an earlier row")

    assert find_faults(same, ("u1", "b", "2024-01-01", 1.0), same, same) == {12: duplicate, 13: duplicate}


def test_a_row_with_many_faults_counts_once_its_own_before_the_duplicate() -> None:
    bad = ("u9", "z", "2024-01-01", np.nan)

    faults = find_faults(bad, ("u1", "a", "2024-01-01", 1.0), bad)

    assert faults == {10: (USER_ID, schema.KNOWN_USER), 12: (USER_ID, schema.KNOWN_USER)}


def test_a_good_row_is_no_duplicate_of_a_bad_one() -> None:
    bad, good = ("u1", "a", "2024-01-01", np.nan), ("u1", "a", "2024-01-01", 1.0)

    assert find_faults(bad, good) == {10: (WEIGHT, schema.MISSING_VALUE)}


def test_check_keys_names_the_row_of_the_second_copy() -> None:
    frame = pd.DataFrame({USER_ID: ["u1", "u2", "u1", "u1"]}, index=[2, 3, 4, 5])

    with pytest.raises(SchemaError) as error:
        schema.check_keys(frame, USER_ID, "users", "users.csv")

    assert str(error.value) == (
        "users.csv: row 4, column 'user_id': expected each user_id once in users, found 'u1' again "
        "(2 such rows). Remedy: keep one row for each user_id"
    )


def test_check_keys_takes_unique_keys() -> None:
    schema.check_keys(USERS, USER_ID, "users", "users.csv")


def test_check_not_empty_names_table_and_file() -> None:
    with pytest.raises(SchemaError) as error:
        schema.check_not_empty(USERS.head(0), "users", "users.csv")

    assert str(error.value) == (
        "users.csv: table users: expected at least one row, found none. Remedy: give a file that has rows"
    )
