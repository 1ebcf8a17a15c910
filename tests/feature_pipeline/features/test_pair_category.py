"""The user and the item's category: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.pair_category import PairCategory
from feature_pipeline.features.pair_met import PairMet
from feature_pipeline.features.pair_transitions import PairTransitions
from tests.event_tables import ask, at, build, compute, happen
from tests.feature_pipeline.features.worlds import COLUMNS, World, repeatable_worlds, worlds

# d has no colour.
COLOURS = {"a": ["red"], "b": ["blue"], "c": ["red", "blue"], "d": []}
# Ann's earlier events as of day 3: red, red, blue, and one without any colour.
HAPPENED = happen(
    *(("ann", "a", at(0)), ("ann", "a", at(1)), ("ann", "b", at(2)), ("ann", "d", at(2))),
    *(("ann", "b", at(3)), ("bob", "b", at(0))),
)


def compute_colours(
    *offered: str,
    user: str = "ann",
    as_of: int = at(3),
    happened: pd.DataFrame = HAPPENED,
    **parameters: object,
) -> pd.DataFrame:
    return compute(PairCategory(**parameters), happened, ask((user, as_of)), *offered, **COLOURS)


def test_counts_and_shares_of_the_users_earlier_events():
    got = compute_colours("a", "b", "c", "d")
    # c is both: met most is red, twice; last was blue a day ago; its share the mean of 2/4 and 1/4.
    np.testing.assert_array_equal(got["pair_times_met_colours"], [2, 1, 2, np.nan])
    np.testing.assert_array_equal(got["pair_days_since_colours"], [2.0, 1.0, 1.0, np.nan])
    np.testing.assert_array_equal(got["pair_share_colours"], [0.5, 0.25, 0.375, np.nan])


def test_an_event_with_two_values_counts_for_both():
    got = compute_colours("a", "b", "c", happened=happen(("ann", "c", at(0))))
    assert got.to_numpy().tolist() == [[1, 3.0, 1.0]] * 3


def test_a_value_never_met_is_zero_and_has_no_time():
    got = compute_colours("a", "b", user="bob")
    np.testing.assert_array_equal(got, [[0, np.nan, 0.0], [1, 3.0, 1.0]])


def test_a_user_without_earlier_events_has_no_share():
    for user, as_of in (("zoe", at(3)), ("ann", at(0))):
        got = compute_colours("a", user=user, as_of=as_of)
        np.testing.assert_array_equal(got, [[0, np.nan, np.nan]])


def test_an_event_of_the_very_instant_is_not_read():
    # As of day 3 the blue event of day 3 is unread, a microsecond later it is: red 2/5, blue 2/5.
    assert compute_colours("b", as_of=at(3, 1))["pair_times_met_colours"].tolist() == [2]
    assert compute_colours("a", "b", as_of=at(3, 1))["pair_share_colours"].tolist() == [0.4, 0.4]


def test_shares_within_a_window():
    # [1, 3) holds red of day 1, blue and d of day 2; the last day blue and d; the last hour nothing.
    got = compute_colours("a", "b", windows=("2d", "1d", "1h"))
    assert got["pair_share_colours_2d"].tolist() == [1 / 3, 1 / 3]
    assert got["pair_share_colours_1d"].tolist() == [0.0, 0.5]
    assert got["pair_share_colours_1h"].isna().all()
    # Day 1 less a microsecond is outside.
    earlier = happen(("ann", "a", at(1, -1)), ("ann", "b", at(2)))
    assert compute_colours("a", happened=earlier, windows=("2d",))["pair_share_colours_2d"].tolist() == [0.0]


def test_a_value_named_twice_counts_once():
    got = compute(PairCategory(), happen(("ann", "a", at(0))), ask(("ann", at(1))), "a", a=["red", "red"])
    assert got.iloc[0].tolist() == [1, 1.0, 1.0]


def test_chooses_categories_and_names_columns_by_unit():
    feature = PairCategory(categories=("maker",), unit="hours", windows=("30d", "all"))
    assert [spec.name for spec in feature.list_specs(COLUMNS)] == [
        *("pair_times_met_maker", "pair_hours_since_maker", "pair_share_maker_30d", "pair_share_maker")
    ]
    assert len(PairCategory().list_specs(COLUMNS)) == 6


def test_categories_may_have_any_names():
    # Those of our own tables and steps, and those that SQL must quote.
    names = ("rows", "user", "item", "steps", "session", "an odd: name", 'a "name"')
    colours = [["red"], ["blue"], ["red", "blue"]]
    items = pd.DataFrame({"item_id": ["a", "b", "c"], **dict.fromkeys(names, colours)})
    features = [PairMet(), PairCategory(), PairTransitions()]
    builder = build(features, HAPPENED[HAPPENED["item_id"] != "d"], items, Columns(names))
    got = builder.compute_row_features(ask(("ann", at(3))), np.array([[0, 1, 2]]))
    assert got["pair_times_met"].tolist() == [2, 1, 0]
    for name in names:
        assert got[f"pair_share_{name}"].tolist() == [2 / 3, 1 / 3, 0.5]


@repeatable_worlds(max_examples=3)
@given(worlds())
def test_equals_plain_python(world: World):
    genres = dict(zip(world.items["item_id"], world.items["genres"].map(set), strict=True))

    def by_hand(past: pd.DataFrame, query, item: str) -> list[float]:
        own = past[past["user_id"] == query.user_id]
        if not genres[item]:
            return [np.nan] * 4
        met = own["item_id"].map(genres)
        same = [own[[value in values for values in met]] for value in genres[item]]
        last = min(((query.as_of - s["event_time"]).min() / pd.Timedelta(days=1) for s in same), key=nan_last)
        start = query.as_of - pd.Timedelta(days=30)
        recent = own["event_time"] >= start
        shares = [len(s) / len(own) if len(own) else np.nan for s in same]
        of_month = [(s["event_time"] >= start).sum() / recent.sum() if recent.any() else np.nan for s in same]
        return [max(map(len, same)), last, np.mean(shares), np.mean(of_month)]

    got = world.compute_of_rows([PairCategory(windows=("all", "30d"), categories=("genres",))])
    np.testing.assert_allclose(got, np.reshape(world.work_out(by_hand), got.shape), rtol=1e-14)


def nan_last(value: float) -> float:
    return np.inf if np.isnan(value) else value
