"""Mean time between a user's events: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.user_mean_gap import UserMeanGap
from tests.event_tables import ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds


def measure(*times: int, as_of: int = at(40), **parameters: str) -> float:
    happened = happen(*(("ann", "a", time) for time in times), ("bob", "b", at(0)), ("bob", "b", at(1)))
    return compute(UserMeanGap(**parameters), happened, ask(("ann", as_of))).iloc[0, 0]


def test_is_the_span_over_the_number_of_gaps():
    # Days 0, 10 and 39, not the moment itself: (39 - 0) / 2.
    assert measure(at(39), at(0), at(10), at(40)) == 19.5


def test_what_comes_later_does_not_move_the_first_or_the_last():
    assert measure(at(2), at(3), at(41), at(50)) == 1.0


def test_events_of_one_moment_have_gap_zero():
    assert measure(at(1), at(1)) == 0.0
    assert measure(at(1), at(1), at(3)) == 1.0


def test_before_the_second_event_there_is_none():
    assert np.isnan(measure(at(1)))
    assert np.isnan(measure())
    assert np.isnan(measure(at(1), at(2), as_of=at(2)))


def test_the_unit_stands_in_the_name():
    got = compute(
        UserMeanGap(unit="hours"), happen(("ann", "a", at(0)), ("ann", "a", at(2))), ask(("ann", at(9)))
    )
    assert got.to_dict("list") == {"user_mean_gap_hours": [48.0]}


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query) -> list[float]:
        times = past[past["user_id"] == query.user_id]["event_time"].sort_values()
        return [times.diff().mean() / pd.Timedelta(days=1)]

    got = world.compute_of_query([UserMeanGap()])
    # A pandas mean rounds to its own unit.
    np.testing.assert_allclose(got, world.work_out(by_hand), rtol=1e-12, atol=2e-11)
