"""Events of an item: windows worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.item_events import ItemEvents
from tests.event_tables import ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

WINDOWS = ("all", "1d", "7d", "30d", "365d")


def count(*times: int, as_of: int = at(400)) -> list[int]:
    """Events of item a at these times, by different users."""
    happened = happen(*((f"u{place}", "a", time) for place, time in enumerate(times)))
    return compute(ItemEvents(), happened, ask(("zoe", as_of)), "a").iloc[0].tolist()


def test_counts_windows_that_end_just_before_the_query():
    # As of day 400: day 400 is the moment itself; the windows open at days 399, 393, 370 and 35.
    assert count(*(at(day) for day in (400, 399, 393, 392, 370, 35, 5))) == [6, 1, 2, 4, 5]


def test_the_windows_open_to_the_microsecond():
    assert count(*(at(day, -1) for day in (399, 393, 370, 35))) == [4, 0, 1, 2, 3]


def test_one_item_is_asked_of_at_several_moments():
    # Events at days 1 and 1 (two users) and 9. As of day 1: none; one microsecond later: two. As of day 9
    # two, of which [2, 9) holds none. As of day 10 three, [3, 10) holds one.
    happened = happen(("ann", "a", at(1)), ("bob", "a", at(9)), ("eve", "a", at(1)))
    asked = ask(("ann", at(1)), ("ann", at(1, 1)), ("zoe", at(9)), ("bob", at(10)))
    got = compute(ItemEvents(windows=("all", "7d", "30d")), happened, asked, "a")
    assert got.T.to_numpy().tolist() == [[0, 2, 2, 3], [0, 2, 0, 1], [0, 2, 2, 3]]


def test_an_item_never_met_counts_zero():
    happened = happen(("ann", "a", at(1)))
    assert compute(ItemEvents(), happened, ask(("ann", at(3))), "b", "a")["item_events_before"].tolist() == [
        0,
        1,
    ]


def test_says_why_in_words():
    specs = ItemEvents(windows=("all", "7d", "30d", "12h")).list_specs(Columns())
    assert [(spec.name, spec.reason) for spec in specs] == [
        ("item_events_before", "popular with others"),
        ("item_events_7d", "popular this week"),
        ("item_events_30d", "popular this month"),
        ("item_events_12h", "popular in 12 hours"),
    ]


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        times = past[past["item_id"] == item]["event_time"]
        since = [query.as_of - pd.Timedelta(days=days) for days in (1, 7, 30, 365)]
        return [len(times), *(int((times >= start).sum()) for start in since)]

    got = world.compute_of_rows([ItemEvents(windows=WINDOWS)])
    np.testing.assert_array_equal(got, np.reshape(world.work_out(by_hand), got.shape))
