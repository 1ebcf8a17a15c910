"""The quarantine table: its columns, types and order."""

import pandas as pd

from feature_pipeline.tables import Quarantine


def test_an_empty_quarantine_has_its_columns_and_types() -> None:
    table = Quarantine().build_table()

    assert list(table.columns) == ["table", "file", "row", "column", "value", "reason"]
    assert [str(dtype) for dtype in table.dtypes] == ["str", "str", "int64", "str", "str", "str"]


def test_quarantine_keeps_missing_values_missing() -> None:
    quarantine = Quarantine()
    quarantine.add("users", "users.csv", "age", pd.Series([None, None], index=[9, 4], dtype="object"), "why")

    table = quarantine.build_table()

    assert list(table["row"]) == [4, 9]
    assert table["value"].isna().all()
    assert str(table["value"].dtype) == "str"


def test_lines_stand_in_the_order_of_their_files() -> None:
    quarantine = Quarantine()
    quarantine.add("users", "users.csv", "age", pd.Series(["x"], index=[7]), "one")
    reasons = pd.Series(["two", "three"], index=[5, 3])
    quarantine.add("items", "items.csv", "year", pd.Series(["y", "z"], index=[5, 3]), reasons)
    quarantine.add("users", "users.csv", "name", pd.Series([1.5], index=[2]), "four")

    assert quarantine.build_table().to_numpy().tolist() == [
        ["items", "items.csv", 3, "year", "z", "three"],
        ["items", "items.csv", 5, "year", "y", "two"],
        ["users", "users.csv", 2, "name", "1.5", "four"],
        ["users", "users.csv", 7, "age", "x", "one"],
    ]
