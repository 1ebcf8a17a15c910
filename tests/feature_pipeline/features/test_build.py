"""The builder: one story worked by hand, and what it does where there is little or nothing."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.pair_transitions import PairTransitions
from feature_pipeline.features.registry import FEATURES
from feature_pipeline.features.user_events import UserEvents
from feature_pipeline.point_in_time import LAST_ORDER
from feature_pipeline.schema import FeatureSpec
from tests.event_tables import ask, at, build, happen

# Of one user: a (day 0), b (day 10), a (day 35), a (day 39); of another: a (day 33), c (day 36), b (day 40).
STORY = happen(
    *(("ann", "a", at(0)), ("ann", "b", at(10)), ("ann", "a", at(35)), ("ann", "a", at(39))),
    *(("bob", "a", at(33)), ("bob", "c", at(36)), ("bob", "b", at(40))),
)
# Item d is never met, and has neither colours nor a price nor a picture.
ITEMS = pd.DataFrame(
    {
        "item_id": ["d", "a", "b", "c"],
        "colours": [[], ["red"], ["red", "blue"], ["blue", "blue"]],
        "price": [np.nan, 1.0, 3.0, 5.0],
    }
)
VECTORS = {"picture_embedding": np.array([[0, 0], [4, 0], [3, 4], [0, 2]], np.float32)}
D, A, B, C = range(4)
COLUMNS = Columns(("colours",), ("price",), ("picture_embedding",))
FEATURES_IN_ORDER = [kind() for kind in FEATURES.values()]


def build_story(interactions: pd.DataFrame = STORY) -> FeatureBuilder:
    return build(FEATURES_IN_ORDER, interactions, ITEMS, COLUMNS, VECTORS)


def test_query_features():
    # As of day 40. Ann: 4 events, of which days 10, 35, 39 lie in [10, 40); the last 1 day ago; gaps
    # (39 - 0) / 3; items a and b. Bob: days 33 and 36, not the moment itself. Zoe: none.
    got = build_story().compute_query_features(ask(("zoe", at(40)), ("ann", at(40)), ("bob", at(40))))
    assert list(got) == [spec.name for spec in build_story().query_specs]
    assert set(got.dtypes) == {np.dtype("float64")}
    names = ("events_before", "events_30d", "days_since_last", "mean_gap_days", "distinct_items")
    activity = got[[f"user_{name}" for name in names]]
    np.testing.assert_array_equal(activity, [[0, 0, np.nan, np.nan, 0], [4, 3, 1, 13, 2], [2, 2, 4, 3, 2]])
    # 2024-02-10: winter, four days before Valentine's Day, and nobody's session goes on.
    assert got["context_winter"].tolist() == [1] * 3
    assert got["context_days_to_celebration"].tolist() == [4] * 3
    assert got["context_session_position"].tolist() == [0] * 3


def test_row_features():
    # Ann as of day 40: last items a (day 39), a (day 35), b (day 10), a (day 0).
    # Steps before day 40: a>b (10), b>a (35), a>a (39), a>c (36). Out of a: 3, out of b: 1.
    got = build_story().compute_row_features(ask(("ann", at(40), 3)), np.array([[C, -1, A, B, D]]))
    assert list(got) == [spec.name for spec in build_story().row_specs]
    assert set(got.dtypes) == {np.dtype("float64")}
    popularity = [f"item_events_{window}" for window in ("before", "1d", "7d", "30d", "365d")]
    # Day 33 opens the week [33, 40), day 10 the month [10, 40), day 39 the day.
    assert got[popularity].to_numpy().tolist() == [
        *([1, 0, 1, 1, 1], [4, 1, 3, 3, 4], [1, 0, 0, 1, 1], [0, 0, 0, 0, 0])
    ]
    np.testing.assert_array_equal(got["item_age_days"], [4, 40, 30, np.nan])
    assert got["pair_times_met"].tolist() == [0, 3, 1, 0]
    # From the last, a: a third each. From a, a, b: to c and b (1/3 + 1/3 + 0) / 3, to a (1/3 + 1/3 + 1) / 3.
    np.testing.assert_allclose(got["pair_transitions_last1"], [1 / 3, 1 / 3, 1 / 3, 0], rtol=1e-15)
    np.testing.assert_allclose(got["pair_transitions_last3"], [2 / 9, 5 / 9, 2 / 9, 0], rtol=1e-15)
    # Of 4 events 4 were red (a and b), 1 was blue (b). c: 1/4, a: 4/4, b: (4/4 + 1/4) / 2, d: no colour.
    np.testing.assert_array_equal(got["pair_share_colours"], [0.25, 1, 0.625, np.nan])
    # Paid 1, 3, 1, 1: usually 1.5.
    np.testing.assert_array_equal(got["pair_price_against_usual"], [3.5, -0.5, 1.5, np.nan])
    # History a, b, a, a: three times (1, 0), once (0.6, 0.8), together (3.6, 0.8) of length sqrt(13.6).
    # c is (0, 1), a (1, 0), b (0.6, 0.8): products 0.8, 3.6, 2.8. Nearest to c is b, 0.8.
    to_mean = np.array([0.8, 3.6, 2.8, 0]) / sqrt(13.6)
    np.testing.assert_allclose(got["pair_picture_to_mean"], to_mean, atol=1e-7)
    np.testing.assert_allclose(got["pair_picture_to_nearest"], [0.8, 1, 1, 0], atol=1e-7)
    # What is not known of c: when ann met it; of d also its age, trend, weight, colours' three, and price.
    assert got.isna().sum(axis=1).tolist() == [1, 0, 0, 8]


def test_history_ends_before_moment_and_order():
    # Ann's event of day 39 has order 3. Order 3 at its moment does not read it, order 4 does.
    asked = ask(("ann", at(39), 3), ("ann", at(39), 4), ("zoe", at(39), LAST_ORDER), ("bob", at(99), 0))
    history = build_story().find_history(asked, 3)
    assert history.tolist() == [[A, B, A], [B, A, A], [-1, -1, -1], [A, C, B]]
    assert history.dtype == np.int64


def test_rows_come_query_by_query_in_the_order_of_the_candidates():
    asked = ask(("bob", at(40)), ("ann", at(40)), ("bob", at(41)))
    offered = np.array([[B, A, -1], [-1, -1, -1], [-1, C, B]], np.int32)
    got = build_story().compute_row_features(asked, offered)
    # Bob as of day 40 has met b never, a once; as of day 41 c once, b once.
    assert got["pair_times_met"].tolist() == [0, 1, 1, 1]
    assert got["item_events_before"].tolist() == [1, 4, 1, 2]
    assert got.index.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        (ask(("ann", at(40))), np.full((1, 2), -1)),
        (ask(("ann", at(40))), np.empty((1, 0), int)),
        (ask(), np.empty((0, 3), int)),
    ],
)
def test_without_candidates_or_queries_there_are_no_rows(asked: pd.DataFrame, offered: np.ndarray):
    builder = build_story()
    got = builder.compute_row_features(asked, offered)
    assert got.shape == (0, len(builder.row_specs))
    some = builder.compute_row_features(ask(("ann", at(40))), np.array([[A]]))
    pd.testing.assert_series_equal(got.dtypes, some.dtypes)
    assert len(builder.compute_query_features(asked)) == len(asked)
    assert builder.find_history(asked, 2).shape == (len(asked), 2)


def test_without_any_events():
    builder = build_story(STORY.iloc[:0])
    asked = ask(("ann", at(40)))
    assert builder.compute_query_features(asked)["user_events_before"].tolist() == [0]
    assert builder.compute_row_features(asked, np.array([[A, B]]))["item_events_before"].tolist() == [0, 0]
    assert builder.find_history(asked, 2).tolist() == [[-1, -1]]


def test_without_features_or_described_items():
    asked, offered = ask(("ann", at(40)), ("bob", at(40))), np.array([[A], [B]])
    bare = build([], STORY, ITEMS)
    assert bare.compute_query_features(asked).shape == (2, 0) or not list(bare.compute_query_features(asked))
    assert bare.compute_row_features(asked, offered).shape == (2, 0)
    undescribed = build(FEATURES_IN_ORDER, STORY, ITEMS)
    assert list(undescribed.compute_row_features(asked, offered)) == [s.name for s in undescribed.row_specs]


def test_columns_stand_in_the_order_of_the_features():
    builder = build(FEATURES_IN_ORDER[::-1], STORY, ITEMS, COLUMNS, VECTORS)
    names = [spec.name for feature in FEATURES_IN_ORDER[::-1] for spec in feature.list_specs(COLUMNS)]
    of_query = {spec.name for spec in builder.query_specs}
    assert [spec.name for spec in builder.query_specs] == [name for name in names if name in of_query]
    assert [spec.name for spec in builder.row_specs] == [name for name in names if name not in of_query]


def test_reads_as_many_recent_items_as_the_features_ask_for():
    assert build([UserEvents()], STORY, ITEMS).recent == 0
    assert build([UserEvents(), PairTransitions(lasts=(2, 7, 3))], STORY, ITEMS).recent == 7


def test_finds_what_items_are_described_by():
    specs = [
        FeatureSpec("genres", "candidate", "categorical"),
        FeatureSpec("age", "query", "numeric"),
        FeatureSpec("price", "candidate", "numeric"),
        FeatureSpec("text_embedding", "candidate", "embedding"),
        FeatureSpec("text", "candidate", "text"),
        FeatureSpec("job", "query", "categorical"),
    ]
    assert list_columns(specs) == Columns(("genres",), ("price",), ("text_embedding",))


def test_the_foundation_follows_features_and_what_items_are_described_by():
    def digest(features: list, items: pd.DataFrame) -> str:
        return build(features, STORY, items, COLUMNS, VECTORS).compute_foundation()

    first = digest([UserEvents()], ITEMS)
    assert digest([UserEvents()], ITEMS.copy()) == first
    assert digest([UserEvents(windows=("7d",))], ITEMS) != first
    # Row features are not kept, and what no query feature reads does not matter.
    assert digest([UserEvents(), PairTransitions()], ITEMS) == first
    assert digest([UserEvents()], ITEMS.assign(price=0.0)) == first
