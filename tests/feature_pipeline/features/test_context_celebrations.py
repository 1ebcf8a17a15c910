"""Days to the nearest celebration: worked by hand, and against Python's own calendar."""

from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from feature_pipeline.features.context_celebrations import ContextCelebrations
from tests.event_tables import ask, at_date, compute, happen


def count_days(*moments: str, **parameters: object) -> list[float]:
    asked = ask(*(("ann", at_date(moment)) for moment in moments))
    return compute(ContextCelebrations(**parameters), happen(), asked).iloc[:, 0].tolist()


def test_counts_whole_days_to_the_nearest_before_or_after():
    # New Year, Valentine's Day, Halloween, Christmas: the day itself, before, after, and between two years.
    moments = ("2024-12-25", "2024-12-24T23:59:59.999999", "2024-12-26", "2024-12-30", "2025-01-03")
    assert count_days(*moments) == [0, 1, 1, 2, 2]


def test_one_celebration_reaches_over_the_end_of_the_year():
    # 183 days after January 1 of a leap year is July 2, 183 before the next: both are as near.
    assert count_days("2024-07-02", "2024-07-03", "2024-12-31", dates=("01-01",)) == [183, 182, 1]
    assert count_days("2024-01-01", "2024-06-30", dates=("12-31",)) == [1, 182]


def test_the_leap_day_is_kept_on_march_1_of_common_years():
    assert count_days("2024-02-29", "2023-03-01", "2023-02-28", "2024-03-01", dates=("02-29",)) == [
        0,
        0,
        1,
        1,
    ]


@pytest.mark.parametrize("dates", [("12-25",), ("01-01", "07-04"), ("02-28", "03-01", "12-31", "01-01")])
def test_equals_the_calendar_from_1900_to_2100(dates: tuple[str, ...]):
    # Every fifth day, and every day around each New Year.
    days = [
        date.fromordinal(day) for day in range(date(1900, 1, 1).toordinal(), date(2100, 12, 31).toordinal())
    ]
    days = [
        day for day in days if day.toordinal() % 5 == 0 or day.timetuple().tm_yday in (1, 2, 3, 364, 365, 366)
    ]
    known = np.array(
        [date.fromisoformat(f"{year}-{text}").toordinal() for year in range(1898, 2103) for text in dates]
    )
    expected = [int(np.abs(known - day.toordinal()).min()) for day in days]
    assert count_days(*(f"{day}T17:00" for day in days), dates=dates) == expected


@pytest.mark.parametrize("dates", [(), ("13-01",), ("02-30",), ("christmas",), ("2024-12-25",), ("1-1",)])
def test_what_is_no_month_and_day_is_refused(dates: tuple[str, ...]):
    with pytest.raises(ValidationError, match="12-25"):
        ContextCelebrations(dates=dates)
