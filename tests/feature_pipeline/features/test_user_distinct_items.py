"""Different items of a user: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.user_distinct_items import UserDistinctItems
from tests.event_tables import ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

HAPPENED = happen(
    ("ann", "a", at(0)),
    ("ann", "a", at(1)),
    ("ann", "b", at(1)),
    ("ann", "c", at(2)),
    ("ann", "a", at(3)),
    ("bob", "d", at(0)),
)


def test_an_item_counts_once_from_its_first_event_on():
    # a at day 0, b at day 1, c at day 2; the returns to a add nothing.
    days = [0, 1, 2, 3, 4]
    got = compute(UserDistinctItems(), HAPPENED, ask(*(("ann", at(day)) for day in days)))
    assert got["user_distinct_items"].tolist() == [0, 1, 2, 3, 3]


def test_an_item_of_the_very_instant_is_not_met_yet():
    got = compute(UserDistinctItems(), HAPPENED, ask(("ann", at(1)), ("ann", at(1, 1)), ("ann", at(0, 1))))
    assert got["user_distinct_items"].tolist() == [1, 2, 1]


def test_strangers_have_met_none():
    assert compute(UserDistinctItems(), HAPPENED, ask(("zoe", at(9))))["user_distinct_items"].tolist() == [0]


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query) -> list[float]:
        return [past[past["user_id"] == query.user_id]["item_id"].nunique()]

    np.testing.assert_array_equal(world.compute_of_query([UserDistinctItems()]), world.work_out(by_hand))
