"""The moment on its clocks: worked by hand, and against whole-number arithmetic."""

from math import cos, pi, sin, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features.context_clock import ContextClock
from feature_pipeline.features.facts import Columns
from tests.event_tables import ask, at_date, compute, happen, repeatable

# Microseconds in a day, in a week and in a year of 365.2425 days (31,556,952 seconds).
PERIODS = [86_400_000_000, 604_800_000_000, 31_556_952_000_000]


def read(*moments: int, **parameters: object) -> pd.DataFrame:
    return compute(ContextClock(**parameters), happen(), ask(*(("ann", moment) for moment in moments)))


def test_names_its_columns_by_period():
    assert list(read(0)) == [spec.name for spec in ContextClock().list_specs(Columns())]
    assert list(read(0, periods=("year", "hour"))) == [
        *("context_year_sin", "context_year_cos", "context_hour_sin", "context_hour_cos")
    ]


@pytest.mark.parametrize(
    ("hour", "expected"),
    # A quarter of the day is a quarter of the circle; 03:00 is an eighth, where sine and cosine are equal.
    [("00", (0, 1)), ("06", (1, 0)), ("12", (0, -1)), ("18", (-1, 0)), ("03", (sqrt(0.5), sqrt(0.5)))],
)
def test_the_hour_goes_round_once_a_day(hour: str, expected: tuple[float, float]):
    got = read(at_date(f"2024-02-29T{hour}:00:00"), periods=("hour",))
    assert got.iloc[0].tolist() == pytest.approx(expected, abs=1e-9)


def test_the_week_starts_on_thursday_as_1970_did():
    # 2024-02-29 was a Thursday, phase 0; Saturday noon is 2.5 of 7 days later.
    got = read(at_date("2024-02-29T00:00:00"), at_date("2024-03-02T12:00:00"), periods=("weekday",))
    phase = 2 * pi * 2.5 / 7
    np.testing.assert_allclose(got, [[0, 1], [sin(phase), cos(phase)]], atol=1e-9)


def test_the_year_comes_round_after_365_and_a_quarter_days():
    got = read(0, PERIODS[2], PERIODS[2] // 4, periods=("year",))
    np.testing.assert_allclose(got, [[0, 1], [0, 1], [1, 0]], atol=1e-9)


def test_the_end_of_a_day_lies_beside_its_start():
    got = read(at_date("2024-02-29T23:59:59.999999"), at_date("2024-03-01T00:00:00"))
    np.testing.assert_allclose(got.loc[0], got.loc[1], atol=1e-6)


def test_an_offset_turns_the_clocks_of_a_place():
    # 18:30 UTC is midnight of the next day in India (5.5 hours east), and 22:00 of the day before is
    # midnight two hours west.
    for moment, offset in (("2024-02-29T18:30", 5.5), ("2024-03-01T02:00", -2.0)):
        got = read(at_date(moment), utc_offset_hours=offset)
        there = read(at_date("2024-03-01T00:00"))
        np.testing.assert_allclose(got, there, atol=1e-12)


@repeatable(max_examples=8)
@given(st.lists(st.integers(-(2**51), 2**52), min_size=1, max_size=30))
def test_equals_whole_number_arithmetic(moments: list[int]):
    expected = [
        [wave(2 * pi * (moment % period) / period) for period in PERIODS for wave in (sin, cos)]
        for moment in moments
    ]
    np.testing.assert_allclose(read(*moments), expected, atol=1e-9)
