"""Items that stand together: worked by hand, and against plain Python."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from pydantic import ValidationError

from feature_pipeline.features.pair_cooccurrence import PairCooccurrence
from tests.event_tables import ask, at, compute, happen, walk
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

# Bob: a, b, c; eve: b, a. Ann met a, and nothing after it.
HAPPENED = happen(
    *(("bob", "a", at(0)), ("bob", "b", at(1)), ("bob", "c", at(2))),
    *(("eve", "b", at(0)), ("eve", "a", at(3))),
    ("ann", "a", at(4)),
)


def measure(*offered: str, as_of: int = at(9), **parameters: int) -> list[float]:
    got = compute(PairCooccurrence(**parameters), HAPPENED, ask(("ann", as_of)), *offered)
    return got["pair_cooccurrence"].tolist()


def test_is_the_cosine_of_standing_together():
    # a was left once, for b (bob). With b it stood twice (bob, eve), b has two events: 2 / sqrt(1 * 2). With
    # c once, two events apart: 1 / sqrt(1 * 1). Never with itself, nor with z.
    assert measure("b", "c", "a", "z", reach=2) == pytest.approx([2 / sqrt(2), 1, 0, 0], rel=1e-15)


def test_reaches_as_far_as_it_is_told():
    assert measure("b", "c", reach=1) == pytest.approx([2 / sqrt(2), 0.0], rel=1e-15)


def test_counts_only_what_stood_together_before_the_moment():
    # Asked at day 4 and a microsecond, ann's a is read. Had eve's step of day 3 been later, b would be 1.
    assert measure("b", as_of=at(4, 1)) == pytest.approx([2 / sqrt(2)])
    later = HAPPENED.assign(
        event_time=HAPPENED["event_time"].replace(pd.Timestamp(at(3), unit="us"), at_day_5())
    )
    asked = ask(("ann", at(5)), ("ann", at(5, 1)))
    got = compute(PairCooccurrence(), later, asked, "b")["pair_cooccurrence"]
    # At day 5: once together, a left once, b with two events.
    assert got.tolist() == pytest.approx([1 / sqrt(2), 2 / sqrt(2)])


def at_day_5() -> pd.Timestamp:
    return pd.Timestamp(at(5), unit="us")


def test_is_the_mean_over_the_last_items():
    # Last items b (latest) and a. Candidate c: near b once, b left twice (to c, to a), c one event:
    # 1 / sqrt(2); near a 1 / sqrt(1). Of the last alone: 1 / sqrt(2).
    happened = pd.concat([HAPPENED, happen(("ann", "b", at(20)))], ignore_index=True)
    happened = happened.assign(event_order=range(len(happened)))
    asked = ask(("ann", at(20), 99))
    for last, expected in ((2, (1 / sqrt(2) + 1) / 2), (1, 1 / sqrt(2))):
        got = compute(PairCooccurrence(reach=2, last=last), happened, asked, "c").iloc[0, 0]
        assert got == pytest.approx(expected, rel=1e-15)


def test_without_history_it_is_unknown():
    assert np.isnan(measure("b", as_of=at(4))).all()


@pytest.mark.parametrize("parameters", [{"reach": 0}, {"last": 0}, {"last": 64}])
def test_parameters_must_be_some(parameters: dict[str, int]):
    with pytest.raises(ValidationError, match="should be"):
        PairCooccurrence(**parameters)


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    steps = list(walk(world.interactions, 3))

    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        latest = world.list_history(query)[-5:]
        known = [step for step in steps if step[2] < query.as_of]
        events = (past["item_id"] == item).sum()
        weights = []
        for last in latest:
            left = sum(step[0] == last and step[3] == 1 for step in known)
            near = sum((step[0], step[1]) == (last, item) for step in known)
            near += sum((step[1], step[0]) == (last, item) for step in known)
            weights.append(near / sqrt(left * events) if left * events else 0.0)
        return [np.mean(weights) if weights else np.nan]

    got = world.compute_of_rows([PairCooccurrence()])
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-14)
