"""The profile's curves, as SVG inside the page that takes its colours from the page's style."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Colours that nothing else uses, and what stands for them in the page.
_INK, _ACCENT = "#010203", "#040506"
_PAGE_COLOURS = {_INK: "var(--text)", _ACCENT: "var(--accent)"}
_STYLE: Any = {  # matplotlib types its keys one by one, and not alike in every version
    "svg.fonttype": "none",
    "svg.hashsalt": "profile",  # without it, ids and so the page would differ between runs
    "savefig.transparent": True,
    "font.size": 10.5,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.12,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

# Longest time line in days, pandas' name of the period, and ours.
_PERIODS = ((3, "h", "hour"), (120, "D", "day"), (3 * 366, "W-MON", "week"), (np.inf, "MS", "month"))
_RANKS_SHOWN, _BINS = 200, 30


def count_by_period(times: pd.Series) -> tuple[pd.Series, str]:
    """Counts events by hour, day, week or month, as fits their range.

    Args:
        times: datetime64 [num_events], at least one.

    Returns:
        Counts by the period's start, none left out, and the period's name.
    """
    days = (times.max() - times.min()) / pd.Timedelta(days=1)
    rule, name = next((rule, name) for longest, rule, name in _PERIODS if days <= longest)
    events = pd.Series(1, index=pd.DatetimeIndex(times))
    return events.resample(rule, closed="left", label="left").size(), name


def draw_activity(counts: pd.Series) -> Markup:
    """Draws events over time, from the counts of `count_by_period`."""
    starts = pd.DatetimeIndex(counts.index)
    edges = starts.append(starts[-1:] + starts.freq)  # type: ignore[operator]

    def draw(axes: Axes) -> None:
        axes.stairs(counts.to_numpy(), edges.to_numpy(), fill=True, color=_ACCENT)
        locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
        axes.yaxis.set_major_formatter(_grouped)
        axes.set_ylabel("events")
        axes.grid(visible=False, axis="x")

    return _draw_svg(draw)


def draw_popularity(counts: np.ndarray) -> Markup:
    """Draws how popular the first, second, ... item is, both axes logarithmic.

    Args:
        counts: events of each item that has any [num_items] int64, descending.
    """
    ranks = np.unique(np.geomspace(1, len(counts), _RANKS_SHOWN).astype(int))

    def draw(axes: Axes) -> None:
        axes.loglog(ranks, counts[ranks - 1], color=_ACCENT, linewidth=2, marker="o", markersize=2)
        axes.set(xlabel="item, by rank", ylabel="events")
        axes.xaxis.set_major_formatter(_grouped)
        axes.yaxis.set_major_formatter(_grouped)

    return _draw_svg(draw)


def draw_history_lengths(lengths: np.ndarray) -> Markup:
    """Draws how many users have how many events, in bins that widen with the number of events.

    Args:
        lengths: events of each user that has any [num_users] int64.
    """
    edges = np.unique(np.geomspace(1, lengths.max() + 1, _BINS).round())
    users, _ = np.histogram(lengths, edges)

    def draw(axes: Axes) -> None:
        axes.stairs(users, edges, fill=True, color=_ACCENT)
        axes.set_xscale("log")
        axes.set(xlabel="events of the user", ylabel="users")
        axes.xaxis.set_major_formatter(_grouped)
        axes.yaxis.set_major_formatter(_grouped)
        axes.grid(visible=False, axis="x")

    return _draw_svg(draw)


def _draw_svg(draw: Callable[[Axes], None]) -> Markup:
    with rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 2.6), layout="constrained")
        draw(figure.subplots())
        picture = StringIO()
        figure.savefig(picture, format="svg", metadata=_NO_METADATA)
    svg = picture.getvalue()
    for colour, name in _PAGE_COLOURS.items():
        svg = svg.replace(colour, name)
    return Markup(svg[svg.index("<svg") :])  # the prologue before it belongs to files


_grouped = FuncFormatter(lambda number, _: f"{number:,.0f}")
