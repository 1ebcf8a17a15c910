"""Dates by whole-number arithmetic, the same on every engine.

H. F. Fliegel and T. C. Van Flandern, "A machine algorithm for processing calendar dates", CACM 11(10), 1968.
It reads each number few times, which matters as SQL writes it out anew at every reading. Days count from
1970-01-01, UTC.
"""

from dataclasses import dataclass

import ibis.expr.types as ir

_JULIAN_DAY_OF_1970 = 2_440_588


@dataclass(frozen=True)
class Date:
    """Year, month (1 to 12) and day of the month, int64 expressions."""

    year: ir.IntegerValue
    month: ir.IntegerValue
    day: ir.IntegerValue


def to_date(days: ir.IntegerValue) -> Date:
    """The date of a day number."""
    rest = days + (_JULIAN_DAY_OF_1970 + 68_569)
    centuries = _floor(4 * rest, 146_097)
    rest = rest - _floor(146_097 * centuries + 3, 4)
    years = _floor(4000 * (rest + 1), 1_461_001)
    rest = rest - _floor(1461 * years, 4) + 31
    month_from_march = _floor(80 * rest, 2447)
    day = rest - _floor(2447 * month_from_march, 80)
    is_next_year = _floor(month_from_march, 11)
    return Date(100 * (centuries - 49) + years + is_next_year, month_from_march + 2 - 12 * is_next_year, day)


def to_days(year: ir.IntegerValue, month: int, day: int) -> ir.IntegerValue:
    """The day number of a date in each year; February 29 stands on March 1 in common years."""
    is_before_march = int(month <= 2)
    counted = year + (4800 - is_before_march)
    counted_days = _floor(1461 * counted, 4) - _floor(3 * _floor(counted + 100, 100), 4)
    return counted_days + (
        367 * (month - 2 + 12 * is_before_march) // 12 + day - 32_075 - _JULIAN_DAY_OF_1970
    )


def estimate_year(days: ir.IntegerValue) -> ir.IntegerValue:
    """The year of a day number, or the one beside it within two days of New Year; in one reading."""
    return 1970 + _floor(400 * days, 146_097)


def _floor(value: ir.IntegerValue, divisor: int) -> ir.IntegerValue:
    return (value // divisor).cast("int64")
