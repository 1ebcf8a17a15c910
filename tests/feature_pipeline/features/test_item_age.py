"""How long an item has been around: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.item_age import ItemAge
from tests.event_tables import DAY, ask, at, compute, happen
from tests.feature_pipeline.features.worlds import World, repeatable_worlds, worlds

# Whoever met it: the first event is bob's, of day 5.
HAPPENED = happen(("ann", "a", at(9)), ("bob", "a", at(5)), ("ann", "a", at(5)))


def test_counts_from_the_first_event_of_anybody():
    got = compute(ItemAge(), HAPPENED, ask(("zoe", at(40)), ("ann", at(5, 1)), ("ann", at(9))), "a")
    assert got["item_age_days"].tolist() == [35.0, 1 / DAY, 4.0]


def test_before_the_first_event_it_has_no_age():
    asked = ask(("ann", at(5)), ("ann", at(1)), ("zoe", at(40)))
    assert compute(ItemAge(), HAPPENED, asked, "a", "b")["item_age_days"].isna().tolist() == [
        *(True, True),
        *(True, True),
        *(False, True),
    ]


def test_the_unit_stands_in_the_name():
    got = compute(ItemAge(unit="hours"), HAPPENED, ask(("zoe", at(6))), "a")
    assert got.to_dict("list") == {"item_age_hours": [24.0]}


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        return [(query.as_of - past[past["item_id"] == item]["event_time"].min()) / pd.Timedelta(days=1)]

    got = world.compute_of_rows([ItemAge()])
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-15)
