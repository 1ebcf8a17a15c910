"""What can be asked of items, from their declared features alone, and the filters that choices make."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.schema import FeatureSpec
from inference.filters import MAX, MIN

# About so many steps take a slider from one end to the other.
_STEPS = 200

Bound = float | int | date


@dataclass(frozen=True)
class Choice:
    """A category.

    Attributes:
        column: of the items.
        values: those that items have, the most frequent first.
    """

    column: str
    values: Sequence[str]


@dataclass(frozen=True)
class Range:
    """A number or a day.

    Attributes:
        column: of the items.
        low: the lowest that an item has, or a little below.
        high: the highest, or a little above.
        step: of a slider.
    """

    column: str
    low: Bound
    high: Bound
    step: float | int | timedelta


def list_controls(items: pd.DataFrame, specs: Sequence[FeatureSpec]) -> list[Choice | Range]:
    """What can be chosen: of every categorical, numeric and timestamp column that has more than one value.

    Args:
        items: the items table.
        specs: its features.
    """
    makers = {"categorical": _make_choice, "numeric": _make_range, "timestamp": _make_days}
    controls = [makers[spec.kind](spec.name, items[spec.name]) for spec in specs if spec.kind in makers]
    return [control for control in controls if control is not None]


def build_filters(controls: Sequence[Choice | Range], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as a request has them, see `ItemFilter`.

    A range that is as wide as it can be filters nothing: items whose value is unknown match no bound.

    Args:
        controls: see `list_controls`.
        chosen: by column: a list of categories, or the lower and the upper bound.
    """
    filters: dict[str, Any] = {}
    for control in controls:
        choice = chosen.get(control.column)
        if isinstance(control, Choice):
            if choice:
                filters[control.column] = list(choice)
        elif choice is not None and (bounds := _narrow(control, *choice)):
            filters[control.column] = bounds
    return filters


def _narrow(control: Range, low: Bound, high: Bound) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    if low > control.low:  # type: ignore[operator]
        bounds[MIN] = low.isoformat() if isinstance(low, date) else low
    if high < control.high:  # type: ignore[operator]
        # The whole of the last day.
        bounds[MAX] = f"{high.isoformat()}T23:59:59.999999" if isinstance(high, date) else high
    return bounds


def _make_choice(column: str, values: pd.Series) -> Choice | None:
    counts = values.explode().dropna().value_counts()
    known = sorted(counts.index, key=lambda value: (-counts[value], value))
    return Choice(column, known) if len(known) > 1 else None


def _make_range(column: str, values: pd.Series) -> Range | None:
    known = values.dropna().to_numpy("float64")
    if not len(known) or known.min() == known.max():
        return None
    low, high = float(known.min()), float(known.max())
    if (known == np.round(known)).all() and max(abs(low), abs(high)) < 2**53:
        return Range(column, int(low), int(high), max(1, _round_down((high - low) / _STEPS)))
    step = float(f"{10 ** math.floor(math.log10((high - low) / _STEPS)):.0e}")
    digits = max(0, -math.floor(math.log10(step)))
    return Range(
        column,
        round(math.floor(low / step) * step, digits),
        round(math.ceil(high / step) * step, digits),
        step,
    )


def _make_days(column: str, values: pd.Series) -> Range | None:
    known = pd.to_datetime(values).dropna()
    if known.empty or known.min().date() == known.max().date():
        return None
    return Range(column, known.min().date(), known.max().date(), timedelta(days=1))


def _round_down(number: float) -> int:
    """To a power of ten."""
    return int(10 ** math.floor(math.log10(number))) if number >= 1 else 0
