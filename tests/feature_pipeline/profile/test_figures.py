"""Curves: what they count, and SVG that fits into a page."""

import warnings
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.profile.figures import (
    count_by_period,
    draw_activity,
    draw_history_lengths,
    draw_popularity,
)


def make_times(*texts):
    return pd.Series(pd.to_datetime(list(texts), format="ISO8601")).astype("datetime64[us]")


@pytest.mark.parametrize(
    ("last", "period", "num_periods"),
    [
        ("2024-01-01T12:30", "hour", 1),
        ("2024-01-04T12:00", "hour", 73),
        ("2024-01-05T00:00", "day", 5),
        ("2024-04-01T12:00", "day", 92),
        ("2024-12-30T12:00", "week", 53),
        ("2028-01-01T12:00", "month", 49),
    ],
)
def test_period_fits_the_range(last, period, num_periods):
    counts, name = count_by_period(make_times("2024-01-01T12:00", last))
    assert (name, len(counts), counts.sum()) == (period, num_periods, 2)


def test_weeks_begin_on_monday_and_empty_ones_count_zero():
    # 2024-01-01 is a Monday.
    counts, _ = count_by_period(make_times("2024-01-07T23:59", "2024-01-15", "2024-01-15", "2024-06-01"))
    assert counts.index[0] == pd.Timestamp("2024-01-01")
    assert list(counts.head(4)) == [1, 0, 2, 0]


def draw_all(times, by_item, by_user):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [
            draw_activity(count_by_period(times)[0]),
            draw_popularity(np.array(by_item)),
            draw_history_lengths(np.array(by_user)),
        ]


@pytest.mark.parametrize("many", [False, True])
def test_are_svg_in_the_colours_of_the_page(many):
    times = make_times("2024-01-01", *(["2024-05-05", "2026-01-01"] if many else []))
    for picture in draw_all(times, [2000, 300, 5, 1] if many else [1], [1, 7, 2300] if many else [1]):
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(--accent)" in picture
        assert "var(--text)" in picture
        assert "http" not in picture.replace("http://www.w3.org/", "")


def test_the_same_input_gives_the_same_picture():
    arguments = (make_times("2024-01-01", "2024-02-01"), [5, 1], [2, 4])
    assert draw_all(*arguments) == draw_all(*arguments)


def test_another_input_gives_another_picture():
    first = draw_all(make_times("2024-01-01", "2024-02-01"), [5, 1], [2, 4])
    second = draw_all(make_times("2024-01-01", "2024-02-03"), [5, 3], [2, 9])
    assert all(a != b for a, b in zip(first, second, strict=True))
