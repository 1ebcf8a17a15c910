"""How well an item was received: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from feature_pipeline.features.item_weight import ItemWeight
from tests.event_tables import ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds


def measure(*weights: float, as_of: int = at(40)) -> float:
    """Of item a, whose events lie a day apart from day 0 on."""
    happened = happen(*(("ann", "a", at(day)) for day in range(len(weights))), weight=weights)
    return compute(ItemWeight(), happened, ask(("zoe", as_of)), "a")["item_mean_weight"].iloc[0]


def test_is_the_mean_of_the_weights_before():
    assert measure(5, 2, 0.5) == 2.5
    # At day 2 the third has not happened yet.
    assert measure(5, 2, 0.5, as_of=at(2)) == 3.5
    assert measure(5, 2, 0.5, as_of=at(2, 1)) == 2.5


def test_weights_may_be_zero_negative_and_large():
    assert measure(0, 0) == 0.0
    assert measure(-1, 0.5) == -0.25
    assert measure(3e8, 1e8) == 2e8


def test_weights_count_to_the_millionth():
    assert measure(0.000001, 0.000002) == pytest.approx(1.5e-6, rel=1e-12)


def test_without_events_it_is_unknown():
    assert np.isnan(measure(5, as_of=at(0)))
    assert np.isnan(compute(ItemWeight(), happen(("ann", "a", at(1))), ask(("ann", at(9))), "b").iloc[0, 0])


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        return [past[past["item_id"] == item]["weight"].mean()]

    got = world.compute_of_rows([ItemWeight()])
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-14)
