"""What others took next: worked by hand, and against plain Python."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from pydantic import ValidationError

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.pair_transitions import PairTransitions
from feature_pipeline.point_in_time import LAST_ORDER
from tests.event_tables import ask, at, compute, happen, walk
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

# Steps out of a arrive at b (days 1 and 2) and c (day 3), out of b at d (day 2).
OTHERS = (
    *(("bob", "a", at(0)), ("bob", "b", at(1)), ("bob", "d", at(2))),
    *(("eve", "a", at(1)), ("eve", "b", at(2))),
    *(("kim", "a", at(2)), ("kim", "c", at(3))),
)


def measure(
    *offered: str, last: str = "a", as_of: int = at(9), lasts: tuple[int, ...] = (1, 3)
) -> list[list[float]]:
    """To the items offered, for ann whose earlier items, in order, are those of `last`.

    She met them all on day 8, so that steps between them count only after day 8.
    """
    own = [("ann", item, at(8)) for item in last]
    asked = ask(("ann", as_of, LAST_ORDER))
    return compute(PairTransitions(lasts=lasts), happen(*OTHERS, *own), asked, *offered).T.to_numpy().tolist()


def test_is_the_share_of_all_steps_out_of_the_last_item():
    # 2 of 3 steps out of a went to b, 1 to c, none to d. There is only one last item, so that the mean over
    # three is the same.
    assert measure("b", "c", "d") == [[2 / 3, 1 / 3, 0.0]] * 2


def test_the_last_items_are_averaged_as_far_as_anyone_has_left_them():
    # Asked at the instant of her own events: last item b, before it z that nobody left, and a.
    # To d: from b 1/1, from a 0/3. To b: from b 0/1, from a 2/3.
    last1, last3 = measure("d", "b", last="azb", as_of=at(8))
    assert last1 == [1.0, 0.0]
    assert last3 == pytest.approx([1 / 2, 1 / 3], abs=1e-15)


def test_an_item_met_twice_of_late_counts_twice():
    # From a 2/3, from b 0, from a 2/3: mean 4/9.
    assert measure("b", last="aba", as_of=at(8))[1] == pytest.approx([4 / 9], abs=1e-15)


def test_a_last_item_that_nobody_left_says_nothing():
    last1, last3 = measure("b", last="az", as_of=at(8))
    assert np.isnan(last1).all()
    assert last3 == [2 / 3]


def test_a_step_of_the_very_instant_is_not_read():
    # The story as far as day 3, told by ann's own visit of day 0: at day 2 one step went a > b, at day 2 and
    # a microsecond two, at day 3 the step to c has not arrived yet.
    happened = happen(("ann", "a", at(0)), *OTHERS)
    asked = ask(*(("ann", moment) for moment in (at(1), at(2), at(2, 1), at(3), at(3, 1))))
    got = compute(PairTransitions(lasts=(1,)), happened, asked, "c", "b")["pair_transitions_last1"]
    expected = [np.nan, np.nan, 0, 1, 0, 1, 0, 1, 1 / 3, 2 / 3]
    np.testing.assert_array_equal(got, expected)


def test_without_any_step_or_history_it_is_unknown():
    assert np.isnan(measure("b", "c", last="z")).all()
    assert np.isnan(measure("b", "c", last="")).all()


def test_names_columns_by_how_many_items_and_says_why():
    specs = PairTransitions(lasts=(1, 3, 12)).list_specs(Columns())
    assert [(spec.name, spec.reason) for spec in specs] == [
        ("pair_transitions_last1", "what others took right after your last one"),
        ("pair_transitions_last3", "what others took after your last three"),
        ("pair_transitions_last12", "what others took after your last 12"),
    ]


@pytest.mark.parametrize("lasts", [(), (0,), (1, -3), (64,)])
def test_how_many_must_be_some(lasts: tuple[int, ...]):
    with pytest.raises(ValidationError, match="lasts"):
        PairTransitions(lasts=lasts)


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    builder = world.build([PairTransitions(lasts=(1, 3))])
    steps = list(walk(world.interactions))

    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        latest = world.list_history(query)[::-1][:3]
        taken = Counter((left, reached) for left, reached, time, _ in steps if time < query.as_of)
        left = Counter(left for left, _, time, _ in steps if time < query.as_of)
        shares = [taken[last, item] / left[last] if left[last] else np.nan for last in latest]
        return [np.nanmean(part) if np.isfinite(part := shares[:size]).any() else np.nan for size in (1, 3)]

    got = world.compute_of_rows([PairTransitions(lasts=(1, 3))])
    assert builder.recent == 3
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-14)
