"""An item's number against the user's usual: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from feature_pipeline.features.pair_closeness import PairCloseness
from tests.event_tables import ask, at, compute, happen
from tests.feature_pipeline.features.worlds import COLUMNS, World, repeatable_worlds, worlds

# d has no price.
PRICES = {"a": 10.0, "b": 20.0, "c": -0.5, "d": None}
HAPPENED = happen(
    *(
        ("ann", "a", at(0)),
        ("ann", "b", at(1)),
        ("ann", "d", at(1)),
        ("ann", "a", at(2)),
        ("ann", "b", at(3)),
    ),
    ("bob", "d", at(0)),
)


def measure(*offered: str, user: str = "ann", as_of: int = at(3)) -> np.ndarray:
    return compute(PairCloseness(), HAPPENED, ask((user, as_of)), *offered, **PRICES).to_numpy()[:, 0]


def test_is_the_difference_to_the_mean_over_the_earlier_events():
    # Ann's earlier prices: 10, 20, unknown, 10, of mean 40 / 3; the event of day 3 is the moment itself.
    got = measure("a", "b", "c", "d")
    np.testing.assert_allclose(got, [10 - 40 / 3, 20 - 40 / 3, -0.5 - 40 / 3, np.nan], rtol=1e-12)
    np.testing.assert_allclose(measure("a", as_of=at(3, 1)), [10 - 15.0])


def test_without_a_known_price_before_there_is_no_usual():
    for user, as_of in (("bob", at(9)), ("zoe", at(9)), ("ann", at(0))):
        assert np.isnan(measure("a", user=user, as_of=as_of)).all()


def test_the_first_event_is_all_the_usual():
    assert measure("a", "b", as_of=at(0, 1)).tolist() == [0.0, 10.0]


def test_chooses_numbers_and_names_its_columns():
    assert [spec.name for spec in PairCloseness().list_specs(COLUMNS)] == [
        *("pair_price_against_usual", "pair_year_against_usual")
    ]
    chosen = PairCloseness(numbers=("year",)).list_specs(COLUMNS)
    assert [spec.name for spec in chosen] == ["pair_year_against_usual"]


def test_numbers_count_to_the_millionth():
    happened = happen(("ann", "a", at(0)), ("ann", "b", at(0)))
    prices = {"a": 0.000001, "b": 0.000002, "c": 0.1}
    got = compute(PairCloseness(), happened, ask(("ann", at(1))), "c", **prices).iloc[0, 0]
    assert got == pytest.approx(0.1 - 1.5e-6, rel=1e-12)


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    prices = world.items.set_index("item_id")[["price", "year"]]

    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        met = prices.loc[past[past["user_id"] == query.user_id]["item_id"]]
        return (prices.loc[item] - met.mean()).tolist()

    got = world.compute_of_rows([PairCloseness()])
    expected = np.reshape(world.work_out(by_hand), got.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
