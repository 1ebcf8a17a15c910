"""What can be asked of items follows from their specs, and choices make filters that find them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.schema import FeatureSpec
from inference.filters import ItemFilter
from inference.ui.filters import Choice, Range, build_filters, list_controls

ITEMS = pd.DataFrame(
    {
        "medium": [["oil"], ["ink", "oil"], [], ["ink"], ["oil"]],
        "year": [1990.0, 2001.0, np.nan, 1985.0, 2010.0],
        "price": [0.126, 2.5, 7.777, np.nan, 3.0],
        "shown": pd.to_datetime(
            ["2024-01-03 15:00", "2024-02-01 00:00", None, "2024-01-01 00:00", "2024-03-05 20:00"]
        ),
        "same": [["a"]] * 5,
        "always": [3.0] * 5,
        "text": ["a"] * 5,
    }
)
KINDS = {
    "medium": "categorical",
    "year": "numeric",
    "price": "numeric",
    "shown": "timestamp",
    "same": "categorical",
    "always": "numeric",
    "text": "text",
}
SPECS = [FeatureSpec(name, "candidate", kind) for name, kind in KINDS.items()]  # type: ignore[arg-type]
CONTROLS = list_controls(ITEMS, SPECS)


def test_one_control_for_each_column_that_tells_items_apart():
    assert [control.column for control in CONTROLS] == ["medium", "year", "price", "shown"]
    medium, year, price, shown = CONTROLS
    assert medium == Choice("medium", ["oil", "ink"])
    assert year == Range("year", 1985, 2010, 1)
    assert isinstance(price, Range)
    assert (price.low, price.high, price.step) == (0.12, 7.78, 0.01)
    assert isinstance(shown, Range)
    assert (shown.low, shown.high) == (date(2024, 1, 1), date(2024, 3, 5))


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({}, None),
        ({"medium": [], "year": (1985, 2010), "price": (0.12, 7.78)}, None),
        ({"medium": ["ink"]}, [1, 3]),
        ({"year": (1990, 2010)}, [0, 1, 4]),
        ({"year": (1985, 1990)}, [0, 3]),
        ({"price": (0.12, 2.5)}, [0, 1]),
        ({"shown": (date(2024, 1, 1), date(2024, 1, 3))}, [0, 3]),
        ({"medium": ["oil"], "year": (2000, 2010)}, [1, 4]),
    ],
)
def test_choices_find_items(chosen: dict, found: list[int] | None):
    mask = ItemFilter(ITEMS, SPECS).compute_mask(build_filters(CONTROLS, chosen))
    assert (None if mask is None else list(np.flatnonzero(mask))) == found


def test_nothing_is_asked_of_columns_without_values():
    empty = pd.DataFrame({"medium": [[], []], "year": [np.nan, np.nan]})
    assert list_controls(empty, SPECS[:2]) == []
