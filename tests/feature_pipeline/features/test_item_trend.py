"""Whether an item rises or fades: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from pydantic import ValidationError

from feature_pipeline.features.item_trend import ItemTrend
from tests.event_tables import ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds


def measure(*days: float, **windows: str) -> float:
    happened = happen(*((f"u{place}", "a", at(day)) for place, day in enumerate(days)))
    return compute(ItemTrend(**windows), happened, ask(("zoe", at(40))), "a")["item_trend"].iloc[0]


def test_an_even_pace_is_one():
    # An event every day: 7 of 30 in the last 7 of 30 days.
    assert measure(*range(10, 40)) == pytest.approx(1.0, rel=1e-15)


def test_all_of_late_is_the_ratio_of_the_windows_and_none_of_late_is_zero():
    assert measure(33, 39) == 30 / 7
    assert measure(10, 32) == 0.0


def test_windows_open_to_the_microsecond():
    # Day 33 opens the week, day 10 the month; a microsecond earlier neither counts.
    assert measure(33, 10) == 15 / 7
    assert measure(33 - 1e-11, 10) == 0.0
    happened = happen(("ann", "a", at(10, -1)), ("bob", "a", at(33)))
    assert compute(ItemTrend(), happened, ask(("zoe", at(40))), "a").iloc[0, 0] == 30 / 7


def test_nothing_in_the_long_window_is_unknown():
    assert np.isnan(measure(9, 40, 41))
    assert np.isnan(measure())


def test_windows_of_other_units():
    # Of [38, 40) half lies in the last 12 hours, a quarter of the window: twice the pace.
    assert measure(38, 39.5, short="12h", long="2d") == 2.0


@pytest.mark.parametrize("windows", [{"short": "all"}, {"long": "all"}, {"short": "30d"}, {"short": "721h"}])
def test_the_short_window_is_shorter_and_both_end(windows: dict[str, str]):
    with pytest.raises(ValidationError, match="expected"):
        ItemTrend(**windows)


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        age = (query.as_of - past[past["item_id"] == item]["event_time"]) / pd.Timedelta(days=1)
        lately, longer = (age <= 7).sum() / 7, (age <= 30).sum() / 30
        return [lately / longer if longer else np.nan]

    got = world.compute_of_rows([ItemTrend()])
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-14)
