"""Where numbers stand along the charts of a page."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_MOST_TICKS = 7
# .6 is not quite six times .1 to a computer.
_SLACK = 1e-9


@dataclass(frozen=True)
class Scale:
    """Numbers -> places along an axis.

    Attributes:
        low: the number that stands at `start`.
        high: the number that stands at `end`.
        start: place of `low`; beyond `end` on an axis that rises from the bottom.
        end: place of `high`.
        ticks: numbers worth writing along it, ascending.
        is_log: whether equal ratios, not equal differences, are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def place(self, number: float) -> float:
        """The place of a number; one beyond an end stands at that end, as 0 does on a logarithmic scale."""
        inside = min(max(number, self.low), self.high)
        low, at, high = (math.log(n) if self.is_log else n for n in (self.low, inside, self.high))
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 2)


def fit_scale(numbers: Iterable[float], start: float = 0, end: float = 100) -> Scale:
    """Fits an even scale that shows 0 and all the numbers, and no more.

    Args:
        numbers: what is to be shown; may be none.
        start: place of the lowest; by default places are percentages.
        end: place of the highest.
    """
    shown = [0.0, *numbers]
    low, high = min(shown), max(shown)
    if low == high:
        high = low + 1
    step = _round_up((high - low) / (_MOST_TICKS - 1))
    first, last = math.ceil(low / step - _SLACK), math.floor(high / step + _SLACK)
    ticks = tuple(place * step for place in range(first, last + 1))
    return Scale(low, high, start, end, ticks)


def fit_log_scale(numbers: Iterable[float], start: float = 0, end: float = 100) -> Scale:
    """Fits a logarithmic scale of whole decades around the numbers above 0.

    Args:
        numbers: what is to be shown; may be none. Those at 0 stand at the low end.
        start: place of the low end; by default places are percentages.
        end: place of the high end.
    """
    decades = [math.log10(number) for number in numbers if number > 0] or [0.0]
    low, high = math.floor(min(decades)), math.ceil(max(decades))
    if low == high:
        low -= 1
    step = math.ceil((high - low) / (_MOST_TICKS - 1))
    ticks = tuple(10.0**decade for decade in range(high, low - 1, -step))[::-1]
    return Scale(10.0**low, 10.0**high, start, end, ticks, is_log=True)


@dataclass(frozen=True)
class Part:
    """A part of a stacked bar.

    Attributes:
        name: what it counts.
        count: how many.
        start: share of the whole that stands before it.
        share: its own.
    """

    name: str
    count: int
    start: float
    share: float


def stack(counts: Mapping[str, int]) -> list[Part]:
    """Lays counts end to end; nothing if there is nothing to count."""
    total, before, parts = sum(counts.values()), 0, []
    for name, count in counts.items():
        if total:
            parts.append(Part(name, count, before / total, count / total))
        before += count
    return parts


def _round_up(step: float) -> float:
    """The next of 1, 2, 5, 10 times a power of ten: what people count by."""
    magnitude = 10.0 ** math.floor(math.log10(step))
    factor = next(factor for factor in (1, 2, 5, 10) if factor >= step / magnitude - _SLACK)
    return factor * magnitude
