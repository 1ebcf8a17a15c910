"""Raw tables to the contract: what is kept, what is set aside with its reason, what stops the build."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.schema import QUARANTINE_COLUMNS, SchemaError
from feature_pipeline.sources.raw import RawTable, RawTables
from feature_pipeline.tables import map_tables
from tests.feature_pipeline.invented import (
    EVENTS,
    ITEMS,
    USERS,
    Columns,
    describe_dataset,
    make_dataset,
    make_raw,
)

INTERACTIONS = describe_dataset()["interactions"]


def read_quarantine(raw: RawTables, **changes: Any) -> list[tuple[Any, ...]]:
    table = map_tables(raw, make_dataset(**changes)).quarantine
    assert list(table.columns) == list(QUARANTINE_COLUMNS)
    return [tuple(None if pd.isna(v) else v for v in row) for row in table.itertuples(index=False)]


def read_error(raw: RawTables, **changes: Any) -> str:
    with pytest.raises(SchemaError) as error:
        map_tables(raw, make_dataset(**changes))
    return str(error.value)


def add_event(**cells: Any) -> Columns:
    """The usual events and a fifth, `u3, b, 2024-03-03, 2.0`, with some cells changed."""
    fifth = {"customer": "u3", "sku": "b", "at": "2024-03-03", "stars": 2.0, "device": None} | cells
    return {name: [*values, fifth[name]] for name, values in EVENTS.items()}


def test_clean_tables_are_mapped_and_sorted() -> None:
    tables = map_tables(make_raw(), make_dataset())

    assert list(tables.users["user_id"]) == ["007", "7", "u3"]
    assert list(tables.users["age"].fillna(-1)) == [31.0, -1.0, 45.0]
    assert list(tables.items["item_id"]) == ["a", "b"]
    assert list(tables.items.index) == [3, 2]  # lines of the file
    assert list(tables.items["title"]) == ["Apple tree", "Blue cup"]
    assert list(tables.items["kinds"]) == [[], ["cup", "blue"]]
    assert list(tables.items["text"]) == ["Apple tree: ", "Blue cup: For tea"]
    assert tables.items["picture"].tolist()[1] == "blue.png"
    assert tables.quarantine.empty
    assert tables.left_out == 0


def test_ties_in_time_keep_the_order_of_the_file() -> None:
    events = map_tables(make_raw(), make_dataset()).interactions

    assert list(events["user_id"]) == ["007", "7", "007", "u3"]
    assert list(events["event_order"]) == [1, 2, 3, 0]
    assert list(events["weight"]) == [4.0, 3.0, 1.0, 5.0]
    assert events["event_time"].iloc[3] == pd.Timestamp("2024-03-02T10:00")


def test_columns_that_are_not_mapped_get_their_usual_values() -> None:
    mapping = {"user_id": "customer", "item_id": "sku", "event_time": "at"}

    events = map_tables(make_raw(), make_dataset(interactions=mapping)).interactions

    assert set(events["weight"]) == {1.0}
    assert set(events["event_type"]) == {"event"}


def test_the_callers_frames_are_left_alone() -> None:
    raw = make_raw(events=add_event(customer="nobody", at=None, stars="many"))
    before = [table.frame.copy(deep=True) for table in (raw.users, raw.items, raw.interactions)]

    map_tables(raw, make_dataset())

    for table, copy in zip((raw.users, raw.items, raw.interactions), before, strict=True):
        pd.testing.assert_frame_equal(table.frame, copy)


@pytest.mark.parametrize(
    ("cells", "column", "value", "reason"),
    [
        ({"customer": "nobody"}, "customer", "nobody", "user_id is not in users"),
        ({"sku": "z"}, "sku", "z", "item_id is not in items"),
        ({"customer": None}, "customer", None, "value is missing or not readable"),
        ({"customer": " "}, "customer", " ", "value is missing or not readable"),
        ({"sku": None}, "sku", None, "value is missing or not readable"),
        ({"at": None}, "at", None, "value is missing or not readable"),
        ({"at": "yesterday"}, "at", "yesterday", "value is missing or not readable"),
        ({"at": "2999-01-01"}, "at", "2999-01-01", "lies in the future"),
        ({"stars": None}, "stars", None, "value is missing or not readable"),
        ({"stars": "many"}, "stars", "many", "value is missing or not readable"),
        ({"stars": np.inf}, "stars", "inf", "value is missing or not readable"),
        (
            {"customer": "007", "at": "2024-03-01"},
            "customer, sku, at",
            "007, b, 2024-03-01",
            "same user, item and time as an earlier row",
        ),
    ],
)
def test_a_bad_event_is_set_aside_with_file_row_column_value_and_reason(
    cells: dict[str, Any], column: str, value: str | None, reason: str
) -> None:
    raw = make_raw(events=add_event(**cells))

    assert read_quarantine(raw) == [("interactions", "events.csv", 6, column, value, reason)]
    assert len(map_tables(raw, make_dataset()).interactions) == 4


def test_numeric_times_that_are_nan_or_infinite_are_set_aside() -> None:
    raw = make_raw(events={"at": [1700000000.0, np.nan, 1700000001.0, np.inf]})

    rows = [(row, column, value) for _, _, row, column, value, _ in read_quarantine(raw)]

    assert rows == [(3, "at", None), (5, "at", "inf")]


def test_rows_without_id_are_set_aside_in_users_and_items() -> None:
    raw = make_raw(
        users={name: [*values, None] for name, values in USERS.items()},
        items={name: [" ", *values] for name, values in ITEMS.items()},
    )

    assert read_quarantine(raw) == [
        ("items", "items.csv", 2, "sku", " ", "value is missing or not readable"),
        ("users", "users.csv", 5, "customer", None, "value is missing or not readable"),
    ]
    assert len(map_tables(raw, make_dataset()).users) == 3


def test_an_unreadable_feature_is_set_aside_and_its_row_kept() -> None:
    features = {"age": {"kind": "numeric"}, "since": {"kind": "timestamp", "column": "joined"}}
    raw = make_raw(users={"age": ["31", "old", None], "joined": ["2024-01-05", None, "long ago"]})
    reason = "value is not readable and counts as missing; the row is kept"

    tables = map_tables(raw, make_dataset(users={"key": "customer", "features": features}))

    assert tables.users["age"].isna().tolist() == [False, True, True]
    assert tables.users["since"].isna().tolist() == [False, True, True]
    assert tables.quarantine.drop(columns="file").to_numpy().tolist() == [
        ["users", 3, "age", "old", reason],
        ["users", 4, "joined", "long ago", reason],
    ]


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    raw = make_raw()
    raw = RawTables(
        RawTable(raw.users.frame.rename(columns={"customer": "custumer"}), "users.csv"),
        raw.items,
        raw.interactions,
    )

    assert read_error(raw) == (
        "users.csv: header: expected one column 'customer', found age, custumer, joined. Remedy: mend the "
        "file or the data set's YAML: unknown key 'customer', did you mean 'custumer'? "
        "Choices: age, custumer, joined"
    )


def test_a_column_that_stands_twice_is_refused() -> None:
    raw = make_raw()
    twice = raw.users.frame.set_axis(["customer", "age", "age"], axis=1)

    assert read_error(RawTables(RawTable(twice, "users.csv"), raw.items, raw.interactions)) == (
        "users.csv: header: expected one column 'age', found age, age, customer. Remedy: mend the file or "
        "the data set's YAML: its name stands twice"
    )


def test_a_column_wholly_of_another_type_stops_the_build() -> None:
    assert read_error(make_raw(users={"age": ["young", None, "old"]})) == (
        "users.csv: row 2, column 'age': expected a number, found 'young'. Remedy: mend the column, or "
        "declare another in the data set's YAML"
    )
    assert read_error(make_raw(events={"at": ["soon"] * 4})).startswith(
        "events.csv: row 2, column 'at': expected a time (ISO 8601, or a number since 1970), found 'soon'."
    )


def test_a_repeated_user_or_item_stops_the_build() -> None:
    assert read_error(make_raw(users={"customer": ["007", "7", "7"]})) == (
        "users.csv: row 4, column 'user_id': expected each user_id once in users, found '7' again (1 such "
        "rows). Remedy: keep one row for each user_id"
    )
    assert "items.csv: row 3, column 'item_id'" in read_error(make_raw(items={"sku": ["a", "a"]}))


@pytest.mark.parametrize(("place", "table"), [(0, "users"), (1, "items"), (2, "interactions")])
def test_an_empty_table_stops_the_build(place: int, table: str) -> None:
    full = make_raw()
    tables = [full.users, full.items, full.interactions]
    tables[place] = RawTable(tables[place].frame.head(0), "the.csv")

    assert read_error(RawTables(*tables)) == (
        f"the.csv: table {table}: expected at least one row, found none. Remedy: give a file that has rows"
    )


def test_a_table_without_any_id_stops_the_build() -> None:
    error = read_error(make_raw(users={"customer": [None, " ", None]}))

    assert error.startswith("users.csv: table users: expected at least one row, found none.")


def test_too_many_bad_events_stop_the_build() -> None:
    raw = make_raw(events=add_event(customer="nobody") | {"sku": ["a", "b", "z", "a", "z"]})

    assert read_error(raw, max_quarantine_share=0.39) == (
        "events.csv: row 4: expected at most 39 % bad interactions, found 2 of 5, of which 1 because item_id "
        "is not in items. Remedy: mend the file, or raise dataset.max_quarantine_share"
    )
    assert len(read_quarantine(raw, max_quarantine_share=0.4)) == 2


def test_light_events_are_left_out_and_counted() -> None:
    tables = map_tables(make_raw(), make_dataset(interactions=INTERACTIONS | {"min_weight": 3}))

    assert list(tables.interactions["weight"]) == [4.0, 3.0, 5.0]
    assert list(tables.interactions["event_order"]) == [1, 2, 0]
    assert tables.left_out == 1
    assert tables.quarantine.empty


def test_a_min_weight_of_zero_leaves_negative_events_out() -> None:
    raw = make_raw(events={"stars": [-1.0, 0.0, 1.0, 2.0]})

    assert map_tables(raw, make_dataset(interactions=INTERACTIONS | {"min_weight": 0})).left_out == 1


def test_a_min_weight_that_no_event_has_stops_the_build() -> None:
    assert read_error(make_raw(), interactions=INTERACTIONS | {"min_weight": 5.5}) == (
        "events.csv: table interactions: expected an event that keeps the contract and weighs at least 5.5, "
        "found none, though 4 keep the contract. Remedy: lower dataset.interactions.min_weight"
    )
