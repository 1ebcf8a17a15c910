"""Dates by whole-number arithmetic, on the engine, against Python's own calendar."""

from datetime import date

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from feature_pipeline.engine.engine import Computation, declare_table
from feature_pipeline.features.calendar import estimate_year, to_date, to_days
from tests.event_tables import open_engine, run_computation, whole_numbers

ORIGIN = date(1970, 1, 1).toordinal()


def run(**columns: ir.Value) -> Computation:
    return Computation({}, DAYS.select("days", **columns), "duckdb")


def compute(computation: Computation, days: range) -> pd.DataFrame:
    found = run_computation(open_engine(), computation, days=whole_numbers(days=list(days)))
    return found.sort_values("days", ignore_index=True)


DAYS = declare_table("days", "days")
# Every day of these years: 1900 and 2100 are common years, 2000 and 2400 leap years.
EVERY_DAY = range(date(1899, 12, 25).toordinal() - ORIGIN, date(2101, 1, 10).toordinal() - ORIGIN)
LEAP_CENTURY = range(date(2399, 12, 25).toordinal() - ORIGIN, date(2401, 1, 10).toordinal() - ORIGIN)


def test_dates_are_those_of_python():
    found = to_date(DAYS["days"])
    computation = run(year=found.year, month=found.month, day=found.day)
    for days in (EVERY_DAY, LEAP_CENTURY):
        got = compute(computation, days)
        expected = [date.fromordinal(day + ORIGIN).timetuple()[:3] for day in days]
        np.testing.assert_array_equal(got[["year", "month", "day"]], expected)
        assert set(got.dtypes.astype(str)) == {"int64"}


def test_days_of_dates_are_those_of_python():
    dates = [(1, 1), (2, 28), (3, 1), (6, 30), (12, 31)]
    columns = {f"d{month}_{day}": to_days(DAYS["days"], month, day) for month, day in dates}
    got = compute(run(**columns), range(1899, 2402))
    expected = [[date(year, *d).toordinal() - ORIGIN for d in dates] for year in range(1899, 2402)]
    np.testing.assert_array_equal(got[list(columns)], expected)


def test_february_29_stands_on_march_1_in_common_years():
    got = compute(
        run(leap=to_days(DAYS["days"], 2, 29), march=to_days(DAYS["days"], 3, 1)), range(1999, 2005)
    )
    assert (got["march"] - got["leap"]).tolist() == [0, 1, 0, 0, 0, 1]


def test_the_estimated_year_is_off_only_within_two_days_of_new_year():
    got = compute(run(year=estimate_year(DAYS["days"])), EVERY_DAY)["year"]
    dates = [date.fromordinal(day + ORIGIN) for day in EVERY_DAY]
    off = {
        (found.month, found.day): int(estimated) - found.year
        for found, estimated in zip(dates, got, strict=True)
        if estimated != found.year
    }
    assert off.keys() <= {(12, 30), (12, 31), (1, 1), (1, 2)}
    assert set(off.values()) <= {-1, 1}
