"""The moment of a query: worked by hand, and against whole-number arithmetic."""

from math import cos, pi, sin, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features import context
from tests.event_tables import compute, repeatable, whole_numbers

COLUMNS = [
    "context_hour_sin",
    "context_hour_cos",
    "context_weekday_sin",
    "context_weekday_cos",
    "context_year_sin",
    "context_year_cos",
]
# Microseconds in a day, in a week and in a year of 365.2425 days (31,556,952 seconds).
PERIODS = [86_400_000_000, 604_800_000_000, 31_556_952_000_000]


def compute_moments(*moments: int) -> pd.DataFrame:
    asked = whole_numbers(row=list(range(len(moments))), as_of=list(moments))
    return compute(context.compute, asked).set_index("row")


def microseconds(time: str) -> int:
    return int(np.datetime64(time, "us").astype(np.int64))


def test_names_its_columns_in_order():
    assert [spec.name for spec in context.SPECS] == COLUMNS
    assert list(compute_moments(0)) == COLUMNS
    assert {spec.side for spec in context.SPECS} == {"context"}


@pytest.mark.parametrize(
    ("hour", "expected"),
    # A quarter of the day is a quarter of the circle; 03:00 is an eighth, where sine and cosine are equal.
    [("00", (0, 1)), ("06", (1, 0)), ("12", (0, -1)), ("18", (-1, 0)), ("03", (sqrt(0.5), sqrt(0.5)))],
)
def test_the_hour_goes_round_once_a_day(hour: str, expected: tuple[float, float]):
    got = compute_moments(microseconds(f"2024-02-29T{hour}:00:00"))
    assert got.loc[0, ["context_hour_sin", "context_hour_cos"]].tolist() == pytest.approx(expected, abs=1e-9)


def test_the_week_starts_on_thursday_as_1970_did():
    # 2024-02-29 was a Thursday, phase 0; Saturday noon is 2.5 of 7 days later.
    got = compute_moments(microseconds("2024-02-29T00:00:00"), microseconds("2024-03-02T12:00:00"))
    weekday = got[["context_weekday_sin", "context_weekday_cos"]].to_numpy()
    phase = 2 * pi * 2.5 / 7
    np.testing.assert_allclose(weekday, [[0, 1], [sin(phase), cos(phase)]], atol=1e-9)


def test_the_year_comes_round_after_365_and_a_quarter_days():
    got = compute_moments(0, PERIODS[2], PERIODS[2] // 4)
    year = got[["context_year_sin", "context_year_cos"]].to_numpy()
    np.testing.assert_allclose(year, [[0, 1], [0, 1], [1, 0]], atol=1e-9)


def test_the_end_of_a_day_lies_beside_its_start():
    got = compute_moments(microseconds("2024-02-29T23:59:59.999999"), microseconds("2024-03-01T00:00:00"))
    np.testing.assert_allclose(got.loc[0], got.loc[1], atol=1e-6)


@repeatable(max_examples=25)
@given(st.lists(st.integers(-(2**51), 2**52), min_size=1, max_size=5))
def test_equals_whole_number_arithmetic(moments: list[int]):
    expected = [
        [wave(2 * pi * (moment % period) / period) for period in PERIODS for wave in (sin, cos)]
        for moment in moments
    ]
    np.testing.assert_allclose(compute_moments(*moments).to_numpy(), expected, atol=1e-9)
