"""Sessions cut by an idle pause: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from pydantic import ValidationError

from feature_pipeline.features.context_session import ContextSession
from tests.event_tables import MINUTE, ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds


def stand(*asked_minutes: float, happened: tuple[float, ...], **parameters: str) -> list[list[float]]:
    """Position and length for a moment so many minutes after the start; events likewise."""
    events = happen(*(("ann", "a", at(0, round(minute * MINUTE))) for minute in happened))
    asked = ask(*(("ann", at(0, round(minute * MINUTE))) for minute in asked_minutes))
    return compute(ContextSession(**parameters), events, asked).to_numpy().tolist()


def test_counts_events_and_minutes_since_the_session_began():
    # Minutes 0, 20 and 45 are one session; 80 follows after 35 and begins the next.
    happened = (0, 20, 45, 80)
    assert stand(0, 10, 45, 46, 80, 81, happened=happened) == [
        *([0, 0.0], [1, 10.0], [2, 45.0], [3, 46.0]),
        *([0, 0.0], [1, 1.0]),
    ]


def test_a_pause_of_exactly_the_idle_time_still_belongs():
    micro = 1 / MINUTE
    assert stand(30, 30 + micro, happened=(0,)) == [[1, 30.0], [0, 0.0]]
    assert stand(31, happened=(0, 30)) == [[2, 31.0]]
    assert stand(31, happened=(0, 30 + micro)) == [[1, pytest.approx(1 - micro, abs=1e-12)]]


def test_events_of_one_moment_are_one_session_together():
    assert stand(1, happened=(0, 0, 0)) == [[3, 1.0]]
    assert stand(60, 61, happened=(0, 0, 60, 60)) == [[0, 0.0], [2, 1.0]]


def test_idle_and_unit_are_parameters():
    assert stand(70, happened=(0, 60), idle="1h") == [[2, 70.0]]
    assert stand(72, happened=(0, 60), idle="1h", unit="hours") == [[2, 1.2]]
    assert stand(70, happened=(0, 60), idle="10m") == [[1, 10.0]]


def test_strangers_stand_at_the_start():
    assert compute(ContextSession(), happen(("ann", "a", at(0))), ask(("zoe", at(0, 9)))).iloc[
        0
    ].tolist() == [0, 0]


def test_a_pause_without_end_is_refused():
    with pytest.raises(ValidationError, match="idle"):
        ContextSession(idle="all")


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query) -> list[float]:
        idle, size, start, last = pd.Timedelta(minutes=30), 0, query.as_of, None
        for time in sorted(past[past["user_id"] == query.user_id]["event_time"]):
            if last is None or time - last > idle:
                size, start = 0, time
            size, last = size + 1, time
        if last is None or query.as_of - last > idle:
            return [0, 0]
        return [size, (query.as_of - start) / pd.Timedelta(minutes=1)]

    got = world.compute_of_query([ContextSession()])
    np.testing.assert_allclose(got, world.work_out(by_hand), rtol=1e-15)
