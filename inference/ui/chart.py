"""The map of items as a chart: coloured by category, with where somebody stands and what they met."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

# More points than that are a cloud, and slow; those that matter to the person are always there.
MOST_POINTS = 4000
_NAMED = 7
_OTHER, _UNKNOWN = "other", "not known"
_COLOURS = ["#7a3b2e", "#4c7a8c", "#c79a3c", "#5d7f4f", "#8a6a94", "#c0745a", "#3f4f73", "#c9c3b6"]
_INK, _FAINT = "#23211e", "#6f6a61"
_HEIGHT = 520


def name_categories(values: Iterable[Sequence[str]]) -> tuple[np.ndarray, list[str]]:
    """The most frequent categories by name, and one name for all others.

    Args:
        values: lists of categories, of which the first counts.

    Returns:
        A name for each row [num_rows] str, and the names in the order of the legend.
    """
    first: pd.Series = pd.Series([row[0] if len(row) else None for row in values], dtype=object)
    frequent = list(first.dropna().value_counts().index[:_NAMED])
    named = [value if value in frequent else (_UNKNOWN if value is None else _OTHER) for value in first]
    rest = [name for name in (_OTHER, _UNKNOWN) if name in named]
    return np.array(named, dtype=object), [*frequent, *rest]


def count_unnamed(values: Iterable[Sequence[str]]) -> int:
    """How many items would have a category that the legend does not name; see `name_categories`."""
    return int(np.isin(name_categories(values)[0], (_OTHER, _UNKNOWN)).sum())


def build_points(
    places: np.ndarray, titles: pd.Series, names: np.ndarray, marked: Sequence[int]
) -> pd.DataFrame:
    """Points of a map: `x, y, title, category`, of all items or, where there are too many, of some.

    Args:
        places: [num_items, 2] float.
        titles: [num_items] str.
        names: of their categories [num_items] str.
        marked: positions of items that must be there.
    """
    points = pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "title": titles, "category": names})
    if len(points) <= MOST_POINTS:
        return points
    drawn = np.random.default_rng(0).choice(len(points), MOST_POINTS, replace=False)
    return points.iloc[np.union1d(drawn, np.asarray(marked, np.int64))]


def draw_map(
    points: pd.DataFrame,
    legend: Sequence[str],
    met: pd.DataFrame,
    recommended: pd.DataFrame,
    you: tuple[float, float],
) -> dict[str, Any]:
    """The chart, as Vega-Lite spells it.

    Args:
        points: see `build_points`.
        legend: names of the categories, in order.
        met: the same of what the person has met.
        recommended: the same of what is recommended.
        you: where the person stands.
    """
    colours = {"domain": list(legend), "range": [*_COLOURS[: len(legend) - 1], _COLOURS[-1]]}
    signs = {"title": None, "orient": "bottom", "columns": 4, "labelLimit": 160}
    colour = {"field": "category", "type": "nominal", "scale": colours, "legend": signs}
    here = pd.DataFrame({"x": [you[0]], "y": [you[1]], "title": ["You"], "category": [""]})
    ring = {"type": "point", "filled": False, "strokeWidth": 1.8}
    cross = {"type": "point", "shape": "cross", "filled": True, "size": 420, "color": _INK, "opacity": 1}
    layers = [
        _draw(points, {"type": "circle", "size": 36, "opacity": 0.6}, color=colour),
        _draw(met, ring | {"size": 120, "color": _FAINT}),
        _draw(recommended, ring | {"shape": "square", "size": 140, "color": _INK}),
        _draw(here, cross | {"stroke": "white", "strokeWidth": 1.5}),
    ]
    quiet = {"background": "transparent", "view": {"stroke": None}}
    return {"height": _HEIGHT, "layer": layers, "config": quiet}


def _draw(points: pd.DataFrame, mark: Mapping[str, Any], **further: Any) -> dict[str, Any]:
    """One layer; whoever points at a mark reads title and category."""
    place = {"type": "quantitative", "axis": None, "scale": {"zero": False}}
    told = [{"field": name, "type": "nominal", "title": name.title()} for name in ("title", "category")]
    encoding = {"x": {"field": "x"} | place, "y": {"field": "y"} | place, "tooltip": told} | further
    return {"data": {"values": points.to_dict("records")}, "mark": dict(mark), "encoding": encoding}
