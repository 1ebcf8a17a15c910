"""Attribute filters: what is asked of items, as JSON or YAML says it, to the items that have it.

    {"genres": ["Drama", "Comedy"], "year": {"min": 1990, "max": 2000}, "artist": "Ada"}

Columns are joined by "and", the values of one column by "or". Bounds are inclusive. An item whose value is
unknown never matches.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.config import unknown_key
from feature_pipeline.errors import UserError
from feature_pipeline.schema import FeatureSpec
from feature_pipeline.values import to_instant
from inference.categories import Categories, index_categories
from inference.unknown import quote, refuse_unknown

MIN, MAX = "min", "max"
CACHED_MASKS = 64

Bound = float | np.datetime64
# Codes of categories any of which will do, or the lowest and the highest value.
Condition = frozenset[int] | tuple[Bound | None, Bound | None]


class ItemFilter:
    """Finds the items of one catalogue that have what is asked; threads may share it.

    Args:
        items: the items table; each column is indexed when it is first asked for.
        specs: its features, of which categorical, numeric and timestamp ones can be asked for.
    """

    def __init__(self, items: pd.DataFrame, specs: Sequence[FeatureSpec]) -> None:
        kinds = ("categorical", "numeric", "timestamp")
        self._items = items
        self._kinds = {spec.name: spec.kind for spec in specs if spec.kind in kinds}
        self._categories: dict[str, Categories] = {}
        self._numbers: dict[str, np.ndarray] = {}
        self._find_items = lru_cache(CACHED_MASKS)(self._compare)

    def compute_mask(self, filters: Mapping[str, Any] | None) -> np.ndarray | None:
        """Which items match.

        Args:
            filters: by column, see the module: a category or a list of them; of a numeric column a number or
                `{min, max}`, either of which may be left out; of a timestamp column the same with ISO 8601.

        Returns:
            [num_items] bool, not to be written to; None where nothing is asked.

        Raises:
            UserError: a column or a category is unknown (the nearest are named), or a value is of no use.
        """
        if not isinstance(filters, Mapping | None):
            raise UserError(f"filters: expected values by column, as {{year: 1990}}, found {quote(filters)}")
        if not filters:
            return None
        return self._find_items(frozenset((name, self._read(name, asked)) for name, asked in filters.items()))

    def _read(self, column: str, asked: Any) -> Condition:
        place = f"filters.{column}"
        kind = self._kinds.get(column)
        if kind is None:
            raise UserError(unknown_key(place, sorted(self._kinds)))
        if kind == "categorical":
            return _read_categories(place, asked, self._index_categories(column))
        return _read_range(place, asked, _read_number if kind == "numeric" else _read_time)

    def _compare(self, conditions: frozenset[tuple[str, Condition]]) -> np.ndarray:
        mask = np.ones(len(self._items), bool)
        for column, condition in conditions:
            mask &= self._match(column, condition)
        mask.flags.writeable = False
        return mask

    def _match(self, column: str, condition: Condition) -> np.ndarray:
        if isinstance(condition, frozenset):
            mask = np.zeros(len(self._items), bool)
            for code in condition:
                mask[self._categories[column].find_items(code)] = True
            return mask
        values, (low, high) = self._index_numbers(column), condition
        # What is unknown, NaN or NaT, is on neither side of any bound.
        above = True if low is None else values >= low
        below = True if high is None else values <= high
        return np.logical_and(above, below)

    def _index_categories(self, column: str) -> Categories:
        if column not in self._categories:
            self._categories[column] = index_categories(self._items[column])
        return self._categories[column]

    def _index_numbers(self, column: str) -> np.ndarray:
        if column not in self._numbers:
            kind = "float64" if self._kinds[column] == "numeric" else "datetime64[us]"
            self._numbers[column] = self._items[column].to_numpy(kind)
        return self._numbers[column]


def _read_categories(place: str, asked: Any, known: Categories) -> frozenset[int]:
    values = asked if isinstance(asked, list | tuple) else [asked]
    if not values:
        raise UserError(f"{place}: expected at least one value, found none. Remedy: leave {place} out")
    for value in values:
        # YAML reads a category such as 7 as a number.
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise UserError(f"{place}: expected a text or a list of texts, found {quote(asked)}")
        if str(value) not in known.codes:
            raise UserError(refuse_unknown(place, str(value), known.values))
    return frozenset(known.codes[str(value)] for value in values)


def _read_range(place: str, asked: Any, read: Callable[[str, Any], Bound]) -> Condition:
    if not isinstance(asked, Mapping):
        value = read(place, asked)
        return value, value
    for name in asked:
        if name not in (MIN, MAX):
            raise UserError(unknown_key(f"{place}.{name}", [MIN, MAX]))
    if not asked:
        raise UserError(f"{place}: expected {MIN}, {MAX} or both, found neither. Remedy: leave {place} out")
    low, high = (read(f"{place}.{name}", asked[name]) if name in asked else None for name in (MIN, MAX))
    if low is not None and high is not None and low > high:
        raise UserError(f"{place}: expected {MIN} up to {MAX}, found {MIN} {low} and {MAX} {high}")
    return low, high


def _read_number(place: str, value: Any) -> Bound:
    try:
        if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:  # a whole number beyond every float
        pass
    raise UserError(f"{place}: expected a number, found {quote(value)}")


def _read_time(place: str, value: Any) -> Bound:
    """A moment, UTC where it names no zone; YAML reads some dates itself."""
    try:
        return to_instant(datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value))
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{place}: expected a time in ISO 8601, found {quote(value)}") from None
