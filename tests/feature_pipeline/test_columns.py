"""Raw columns to typed ones: what is read, what becomes missing, and when the whole column is refused."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.columns import (
    fill_template,
    read_categories,
    read_number,
    read_text,
    read_time,
    to_float,
)
from feature_pipeline.schema import SchemaError


def as_list(values: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (pd.Series(["007", "7", "1e3", None]), ["007", "7", "1e3", None]),
        (pd.Series([7, 12345678901234567]), ["7", "12345678901234567"]),
        (pd.Series([24.0, None]), ["24", None]),
        (pd.Series([24.5, 24.0]), ["24.5", "24.0"]),
        (pd.Series([1e20, None]), ["1e+20", None]),
        (pd.Series([np.nan, np.nan]), [None, None]),
        (pd.Series(["", "  ", " a "]), [None, None, " a "]),
        (pd.Series([7, None], dtype="Int64"), ["7", None]),
        (pd.Series(["x", None], dtype="category"), ["x", None]),
        (pd.Series([7, "x", None], dtype="object"), ["7", "x", None]),
    ],
)
def test_text_stands_as_it_is_and_blank_is_missing(raw: pd.Series, expected: list[str | None]) -> None:
    assert as_list(read_text(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (pd.Series(["1", " 2.5 ", "-3e2"]), [1.0, 2.5, -300.0]),
        (pd.Series(["1", "one", "1,5", "0x10", "", None]), [1.0, None, None, None, None, None]),
        (pd.Series([1.0, np.inf, -np.inf]), [1.0, None, None]),
        (pd.Series(["1", "1e999"]), [1.0, None]),
        (pd.Series([True, False]), [1.0, 0.0]),
        (pd.Series([1, None], dtype="Int64"), [1.0, None]),
        (pd.Series([Decimal("1.5"), [2], date(2024, 1, 1)], dtype="object"), [1.5, None, None]),
        (pd.Series([None, None], dtype="object"), [None, None]),
    ],
)
def test_numbers_are_finite_or_missing(raw: pd.Series, expected: list[float | None]) -> None:
    numbers = read_number(raw, "f.csv")

    assert numbers.dtype == "float64"
    assert as_list(numbers) == expected


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (pd.Series(["one", "two"], index=[2, 3], name="age"), "'one'"),
        (pd.Series([None, np.inf], index=[1, 2], name="age"), "'inf'"),
        (pd.Series(pd.to_datetime(["2024-01-01"]), name="age").set_axis([2]), "'2024-01-01 00:00:00'"),
        (pd.Series(pd.to_timedelta([1], unit="D"), name="age").set_axis([2]), "'1 days 00:00:00'"),
    ],
)
def test_a_column_without_any_number_is_refused(raw: pd.Series, found: str) -> None:
    with pytest.raises(SchemaError) as error:
        read_number(raw, "f.csv")

    assert str(error.value).startswith(f"f.csv: row 2, column 'age': expected a number, found {found}")
    assert str(error.value).endswith("Remedy: mend the column, or declare another in the data set's YAML")


@pytest.mark.parametrize(
    ("raw", "unit", "expected"),
    [
        (pd.Series(["2024-01-01"]), "s", "2024-01-01"),
        (pd.Series(["2024-01-01T02:00:00+02:00"]), "s", "2024-01-01"),
        (pd.Series(["2024-01-01 00:00:00.000001Z"]), "s", "2024-01-01T00:00:00.000001"),
        (pd.Series([1704067200]), "s", "2024-01-01"),
        (pd.Series([1704067200.5, None]), "s", "2024-01-01T00:00:00.5"),
        (pd.Series([1704067200123]), "ms", "2024-01-01T00:00:00.123"),
        (pd.Series([1704067200123456]), "us", "2024-01-01T00:00:00.123456"),
        (pd.Series(pd.to_datetime(["2024-01-01"])), "s", "2024-01-01"),
        (pd.Series(pd.to_datetime(["2024-01-01T09:00"]).tz_localize("Asia/Tokyo")), "s", "2024-01-01"),
        (pd.Series([date(2024, 1, 1)], dtype="object"), "s", "2024-01-01"),
        (pd.Series(["1704067200", "soon"]), "s", "2024-01-01"),
        (pd.Series([" 1704067200.5 "]), "s", "2024-01-01T00:00:00.5"),
        (pd.Series(["1704067200123"]), "ms", "2024-01-01T00:00:00.123"),
        (pd.Series(["1704067200123456"]), "us", "2024-01-01T00:00:00.123456"),
        (pd.Series(["1512123010"]), "s", "2017-12-01T10:10:10"),  # not the 30th of December 1512
        (pd.Series(["-86400"]), "s", "1969-12-31"),
        (pd.Series(["2024"]), "s", "2024-01-01"),
        (pd.Series(["20240101", "1704067200"]), "s", "2024-01-01"),
        (pd.Series([1704067200, None], dtype="Int64"), "s", "2024-01-01"),
        (pd.Series(["2024-01-01 02:00:00+02"]), "s", "2024-01-01"),  # as PostgreSQL writes it
    ],
)
def test_times_are_utc_to_the_microsecond(raw: pd.Series, unit: str, expected: str) -> None:
    times = read_time(raw, unit, "f.csv")

    assert times.dtype == "datetime64[us]"
    assert times.iloc[0] == pd.Timestamp(expected)


@pytest.mark.parametrize(
    "raw",
    [
        pd.Series(["2024-01-01", "yesterday", "2024-02-30", "9" * 30, "", None]),
        pd.Series([1704067200.0, np.nan, np.inf, -np.inf, 1e300, 1e17]),
        pd.Series([1704067200, 2**62]),
        pd.Series([1704067200, 2**64 - 1], dtype="uint64"),
        pd.Series([date(2024, 1, 1), True, [1]], dtype="object"),
    ],
)
def test_single_unreadable_times_are_missing(raw: pd.Series) -> None:
    times = read_time(raw, "s", "f.csv")

    assert times.iloc[0] == pd.Timestamp("2024-01-01")
    assert times.iloc[1:].isna().all()


@pytest.mark.parametrize("raw", [["soon", None], ["9" * 30, None], [True, False], [np.inf, np.nan]])
def test_a_column_without_any_time_is_refused(raw: list[Any]) -> None:
    with pytest.raises(SchemaError) as error:
        read_time(pd.Series(raw, index=[2, 3], name="at"), "s", "f.csv")

    assert str(error.value) == (
        "f.csv: row 2, column 'at': expected a time (ISO 8601, or a number since 1970), "
        f"found {str(raw[0])!r}. Remedy: mend the column, or declare another in the data set's YAML"
    )


def test_categories_are_split_and_trimmed() -> None:
    values = pd.Series(["cup| blue ||cup", "|", None, "tree"])

    assert list(read_categories(values, "|")) == [["cup", "blue", "cup"], [], [], ["tree"]]


def test_without_separator_a_value_is_one_category() -> None:
    assert list(read_categories(pd.Series(["cup|blue", " ", 3.0]), None)) == [["cup|blue"], [], ["3.0"]]
    assert list(read_categories(pd.Series([3.0, None]), None)) == [["3"], []]


def test_lists_are_categories_already() -> None:
    values = pd.Series([["cup", " ", None, 7], np.array(["a|b"]), None, "x|y", []])

    assert list(read_categories(values, "|")) == [["cup", "7"], ["a|b"], [], ["x", "y"], []]


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(SchemaError, match=r"found 'x{80}'\.{4} Remedy"):
        read_number(pd.Series(["x" * 10_000], name="age"), "f.csv")


def test_a_path_needs_all_its_parts_and_may_take_the_beginning_of_one() -> None:
    columns = pd.DataFrame({"id": ["0123", "04", None], "kind": ["a", None, "b"]})

    assert as_list(fill_template(columns, "{id:.3}/{kind}.jpg", need_all=True)) == ["012/a.jpg", None, None]


def test_template_fills_its_places_and_a_row_without_values_has_no_text() -> None:
    columns = pd.DataFrame({"a": ["x", None, None, "{b}"], "b": [1.0, 2.0, None, None]}, index=[2, 3, 4, 5])

    texts = fill_template(columns, "{a}-{b}, {a} {{a}}")

    assert list(texts.index) == [2, 3, 4, 5]
    assert as_list(texts) == ["x-1, x {a}", "-2,  {a}", None, "{b}-, {b} {a}"]


def test_floats_are_numbers_or_days_since_1970() -> None:
    times = pd.Series(np.array(["1970-01-02", "NaT", "1970-01-01T12"], dtype="datetime64[us]"))

    np.testing.assert_array_equal(to_float(times), [1.0, np.nan, 0.5])
    np.testing.assert_array_equal(to_float(pd.Series([3, None], dtype="Int64")), [3.0, np.nan])
