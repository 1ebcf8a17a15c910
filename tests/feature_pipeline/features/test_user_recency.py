"""Time since a user's last event: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.user_recency import UserRecency
from tests.event_tables import DAY, ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

HAPPENED = happen(("ann", "a", at(1)), ("ann", "b", at(2.5)), ("bob", "a", at(9)))


def test_counts_from_the_last_event_before_the_moment():
    # Day 2.5 is read a microsecond after it, and not at it: there day 1 is the last.
    asked = ask(("ann", at(3)), ("ann", at(2.5)), ("ann", at(2.5, 1)))
    got = compute(UserRecency(), HAPPENED, asked)
    assert got["user_days_since_last"].tolist() == [0.5, 1.5, 1 / DAY]


def test_before_the_first_event_nothing_is_known():
    got = compute(UserRecency(), HAPPENED, ask(("ann", at(1)), ("ann", at(0)), ("zoe", at(3))))
    assert got["user_days_since_last"].isna().all()


def test_the_unit_stands_in_the_name():
    for unit, value in (("hours", 12.0), ("minutes", 720.0)):
        got = compute(UserRecency(unit=unit), HAPPENED, ask(("ann", at(3))))
        assert got.to_dict("list") == {f"user_{unit}_since_last": [value]}


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query) -> list[float]:
        since = query.as_of - past[past["user_id"] == query.user_id]["event_time"]
        return [since.min() / pd.Timedelta(days=1)]

    got = world.compute_of_query([UserRecency()])
    np.testing.assert_allclose(got, world.work_out(by_hand), rtol=1e-15)
