"""Seasons by hemisphere, against the calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from feature_pipeline.features.context_season import ContextSeason
from tests.event_tables import ask, at_date, compute, happen

SEASONS = ["winter", "spring", "summer", "autumn"]


def name_seasons(*moments: int, **parameters: str) -> list[str]:
    got = compute(ContextSeason(**parameters), happen(), ask(*(("ann", moment) for moment in moments)))
    assert list(got) == [f"context_{season}" for season in SEASONS]
    assert got.isin([0, 1]).all(axis=None)
    assert got.sum(axis=1).eq(1).all()
    return [SEASONS[place] for place in got.to_numpy().argmax(axis=1)]


@pytest.mark.parametrize(
    ("last", "season", "then"),
    [
        ("2023-11-30", "autumn", "winter"),
        ("2024-02-29", "winter", "spring"),
        ("2023-02-28", "winter", "spring"),
        ("2024-05-31", "spring", "summer"),
        ("2024-08-31", "summer", "autumn"),
    ],
)
def test_a_season_ends_with_the_last_microsecond_of_its_month(last: str, season: str, then: str):
    end = at_date(f"{last}T23:59:59.999999")
    assert name_seasons(end, end + 1) == [season, then]


def test_the_south_is_half_a_year_away():
    moments = [at_date(f"2024-{month}-15") for month in ("01", "04", "07", "10")]
    assert name_seasons(*moments, hemisphere="south") == ["summer", "autumn", "winter", "spring"]
    assert name_seasons(*moments, hemisphere="north") == SEASONS


def test_equals_the_calendar_over_two_centuries():
    # Every 11 days and 5 hours from 1900 to 2100, also before 1970 where times are negative.
    start, step = datetime(1900, 1, 1, tzinfo=UTC), timedelta(days=11, hours=5)
    times = [start + step * turn for turn in range(6500)]
    expected = [SEASONS[time.month % 12 // 3] for time in times]
    assert name_seasons(*(at_date(time.replace(tzinfo=None).isoformat()) for time in times)) == expected
