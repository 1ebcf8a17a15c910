"""Times a user met an item: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.pair_met import PairMet
from tests.event_tables import DAY, ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

# Ann met a on days 1 and 2; day 3 is the moment asked about, and bob is another.
HAPPENED = happen(
    ("ann", "a", at(1)), ("ann", "a", at(2)), ("ann", "a", at(3)), ("bob", "a", at(0)), ("ann", "b", at(1.5))
)


def test_counts_the_users_own_earlier_events_with_the_item():
    got = compute(PairMet(), HAPPENED, ask(("ann", at(3))), "a", "b", "c")
    assert got["pair_times_met"].tolist() == [2, 1, 0]
    np.testing.assert_array_equal(got["pair_days_since_met"], [1.0, 1.5, np.nan])


def test_an_event_one_microsecond_earlier_is_counted():
    got = compute(PairMet(), HAPPENED, ask(("ann", at(3, 1))), "a")
    assert got.iloc[0].tolist() == [3, 1 / DAY]


def test_strangers_met_nothing():
    got = compute(PairMet(unit="hours"), HAPPENED, ask(("zoe", at(9)), ("bob", at(1))), "a")
    assert got["pair_times_met"].tolist() == [0, 1]
    np.testing.assert_array_equal(got["pair_hours_since_met"], [np.nan, 24.0])


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        times = past[(past["user_id"] == query.user_id) & (past["item_id"] == item)]["event_time"]
        return [len(times), (query.as_of - times).min() / pd.Timedelta(days=1)]

    got = world.compute_of_rows([PairMet()])
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-15)
