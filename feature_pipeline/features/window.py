"""Windows of time and their units, as YAML names them: `all`, `30d`, `12h`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

MICROSECONDS = {"minutes": 60_000_000, "hours": 3_600_000_000, "days": 86_400_000_000}
ALL = "all"

_SHORT = {"m": "minutes", "h": "hours", "d": "days"}
_PATTERN = re.compile(r"([1-9][0-9]{0,5})([mhd])")

Unit = Literal["minutes", "hours", "days"]


def _check_window(text: str) -> str:
    if text != ALL and not _PATTERN.fullmatch(text):
        raise ValueError(f"expected a window as 30d, 12h or 45m, or {ALL!r} for everything before")
    return text


def _check_bounded(text: str) -> str:
    if text == ALL:
        raise ValueError("expected a window with a beginning, as 30d, 12h or 45m")
    return text


Window = Annotated[str, AfterValidator(_check_window)]
BoundedWindow = Annotated[Window, AfterValidator(_check_bounded)]


def get_width(window: str) -> int:
    """Width of a trailing window in microseconds; 0 for `all`."""
    if window == ALL:
        return 0
    match = _PATTERN.fullmatch(window)
    assert match is not None, f"a checked window, not {window!r}"
    return int(match[1]) * MICROSECONDS[_SHORT[match[2]]]


def get_suffix(window: str) -> str:
    """How a column's name ends: `before` for everything before, else the window itself."""
    return "before" if window == ALL else window


def describe(window: str) -> str:
    """The window in words, as `in 30 days`."""
    match = _PATTERN.fullmatch(window)
    return f"in {match[1]} {_SHORT[match[2]]}" if match else "ever"
