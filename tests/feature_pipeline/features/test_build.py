"""All features together: one story worked by hand, and the two properties of time for every column."""

from dataclasses import dataclass, replace
from math import cos, pi, sin, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features.build import QUERY_SPECS, FeatureBuilder, build_row_specs
from feature_pipeline.point_in_time import LAST_ORDER
from tests.event_tables import (
    ITEMS,
    USERS,
    at,
    candidates,
    events,
    open_engine,
    queries,
    repeatable,
    to_interactions,
    to_queries,
)

# Of one user: a (day 0), b (day 10), a (day 35), a (day 39); of another: a (day 33), c (day 36), b (day 40).
STORY = pd.DataFrame(
    {
        "user_id": ["ann", "ann", "ann", "ann", "bob", "bob", "bob"],
        "item_id": ["a", "b", "a", "a", "a", "c", "b"],
        "event_time": np.array([at(0), at(10), at(35), at(39), at(33), at(36), at(40)], "datetime64[us]"),
        "event_order": range(7),
    }
)
# Item d is never met, and has neither colours nor a picture.
STORY_ITEMS = pd.DataFrame(
    {"item_id": ["d", "a", "b", "c"], "colours": [[], ["red"], ["red", "blue"], ["blue", "blue"]]}
)
STORY_VECTORS = {"picture_embedding": np.array([[0, 0], [4, 0], [3, 4], [0, 2]], np.float32)}
D, A, B, C = range(4)


def build_story(interactions: pd.DataFrame = STORY) -> FeatureBuilder:
    return FeatureBuilder(open_engine(), STORY_ITEMS, interactions, ["colours"], STORY_VECTORS)


def ask(*rows: tuple[str, int, int]) -> pd.DataFrame:
    user_id, as_of, as_of_order = zip(*rows, strict=True) if rows else ([], [], [])
    return pd.DataFrame(
        {
            "user_id": pd.Series(user_id, dtype="str"),
            "as_of": np.array(as_of, "datetime64[us]"),
            "as_of_order": np.array(as_of_order, np.int64),
        }
    )


class TestStory:
    def test_query_features(self):
        # As of day 40, Saturday 2024-02-10, 00:00. Ann: 4 events, of which days 10, 35, 39 lie in [10, 40);
        # the last 1 day ago; gaps (39 - 0) / 3. Bob: days 33 and 36, not the moment itself. Zoe: none.
        got = build_story().compute_query_features(
            ask(("zoe", at(40), 0), ("ann", at(40), 0), ("bob", at(40), 0))
        )
        assert list(got) == [spec.name for spec in QUERY_SPECS]
        activity = got.iloc[:, :4]
        np.testing.assert_array_equal(activity, [[0, 0, np.nan, np.nan], [4, 3, 1, 13], [2, 2, 4, 3]])
        # Saturday is 2 of 7 days after Thursday. 2024-02-10 is day 19,763 since 1970.
        week, year = 2 * pi * 2 / 7, 2 * pi * 19_763 / 365.2425
        expected = [0, 1, sin(week), cos(week), sin(year), cos(year)]
        np.testing.assert_allclose(got.iloc[:, 4:], [expected] * 3, atol=1e-9)

    def test_row_features(self):
        # Ann as of day 40: last items a (day 39), a (day 35), b (day 10), and a (day 0) before.
        # Steps before day 40: a>b (10), b>a (35), a>a (39), a>c (36). Out of a: 3, out of b: 1.
        got = build_story().compute_row_features(ask(("ann", at(40), 3)), np.array([[C, -1, A, B, D]]))
        assert list(got) == [spec.name for spec in build_row_specs(["colours"], ["picture_embedding"])]
        by_item = got.set_axis(["c", "a", "b", "d"]).T
        # Events of c: day 36. Of a: days 0, 33, 35, 39; day 33 opens the week [33, 40). Of b: day 10, which
        # opens the month [10, 40).
        assert by_item["c"].iloc[:4].tolist() == [1, 1, 1, 4.0]
        assert by_item["a"].iloc[:4].tolist() == [4, 3, 3, 40.0]
        assert by_item["b"].iloc[:4].tolist() == [1, 0, 1, 30.0]
        np.testing.assert_array_equal(by_item["d"].iloc[:4], [0, 0, 0, np.nan])
        assert by_item.loc["pair_times_met"].tolist() == [0, 3, 1, 0]
        # From the last, a: to c 1/3, to a 1/3, to b 1/3. From a, a, b: to c (1/3 + 1/3 + 0) / 3, to a
        # (1/3 + 1/3 + 1) / 3, to b like c.
        last1 = by_item.loc["pair_transitions_last1"].astype(float)
        np.testing.assert_allclose(last1, [1 / 3, 1 / 3, 1 / 3, 0], rtol=1e-15)
        last3 = by_item.loc["pair_transitions_last3"].astype(float)
        np.testing.assert_allclose(last3, [2 / 9, 5 / 9, 2 / 9, 0], rtol=1e-15)
        # Of 4 events 4 were red (a and b), 1 was blue (b). c: 1/4, a: 4/4, b: (4/4 + 1/4) / 2, d: no colour.
        np.testing.assert_array_equal(
            by_item.loc["pair_share_colours"].astype(float), [0.25, 1, 0.625, np.nan]
        )
        # History a, b, a, a: three times (1, 0), once (0.6, 0.8), together (3.6, 0.8) of length sqrt(13.6).
        # c is (0, 1), a (1, 0), b (0.6, 0.8): products 0.8, 3.6, 2.8. Nearest to c is b, 0.8; a and b are in
        # the history themselves.
        to_mean = by_item.loc["pair_picture_to_mean"].astype(float)
        np.testing.assert_allclose(to_mean, np.array([0.8, 3.6, 2.8, 0]) / sqrt(13.6), atol=1e-7)
        to_nearest = by_item.loc["pair_picture_to_nearest"].astype(float)
        np.testing.assert_allclose(to_nearest, [0.8, 1, 1, 0], atol=1e-7)

    def test_a_value_named_twice_counts_once(self):
        # Bob as of day 40 has met a, which is red, and c, which names blue twice: half and half.
        got = build_story().compute_row_features(ask(("bob", at(40), 0)), np.array([[A, B, C]]))
        assert got["pair_share_colours"].tolist() == [0.5, 0.5, 0.5]

    def test_history_ends_before_moment_and_order(self):
        # Ann's event of day 39 has order 3. Order 3 at its moment does not read it, order 4 does.
        asked = ask(("ann", at(39), 3), ("ann", at(39), 4), ("zoe", at(39), LAST_ORDER), ("bob", at(99), 0))
        history = build_story().find_history(asked, 3)
        assert history.tolist() == [[A, B, A], [B, A, A], [-1, -1, -1], [A, C, B]]
        assert history.dtype == np.int64

    def test_a_user_without_events_still_sees_what_is_popular(self):
        got = build_story().compute_row_features(ask(("zoe", at(40), 0)), np.array([[A, C]]))
        assert got["item_events_before"].tolist() == [4, 1]
        assert got["pair_times_met"].tolist() == [0, 0]
        unknown = ["pair_transitions_last1", "pair_transitions_last3", "pair_share_colours"]
        assert got[unknown].isna().all(axis=None)
        assert got[["pair_picture_to_mean", "pair_picture_to_nearest"]].eq(0).all(axis=None)

    def test_rows_come_query_by_query_in_the_order_of_the_candidates(self):
        asked = ask(("bob", at(40), 0), ("ann", at(40), 0), ("bob", at(41), 0))
        offered = np.array([[B, A, -1], [-1, -1, -1], [-1, C, B]], np.int32)
        got = build_story().compute_row_features(asked, offered)
        # Bob as of day 40 has met b never, a once; as of day 41 c once, b once.
        assert got["pair_times_met"].tolist() == [0, 1, 1, 1]
        assert got["item_events_before"].tolist() == [1, 4, 1, 2]
        assert got.index.tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("asked", "offered"),
        [
            (ask(("ann", at(40), 0)), np.full((1, 2), -1)),
            (ask(("ann", at(40), 0)), np.empty((1, 0), int)),
            (ask(), np.empty((0, 3), int)),
        ],
    )
    def test_without_candidates_or_queries_there_are_no_rows(self, asked: pd.DataFrame, offered: np.ndarray):
        builder = build_story()
        got = builder.compute_row_features(asked, offered)
        assert got.shape == (0, len(builder.specs))
        some = builder.compute_row_features(ask(("ann", at(40), 0)), np.array([[A]]))
        pd.testing.assert_series_equal(got.dtypes, some.dtypes)
        assert len(builder.compute_query_features(asked)) == len(asked)
        assert builder.find_history(asked, 2).shape == (len(asked), 2)

    def test_without_any_events(self):
        builder = build_story(STORY.iloc[:0])
        asked = ask(("ann", at(40), 0))
        assert builder.compute_query_features(asked)["user_events_before"].tolist() == [0]
        assert builder.compute_row_features(asked, np.array([[A, B]]))["item_events_before"].tolist() == [
            0,
            0,
        ]
        assert builder.find_history(asked, 2).tolist() == [[-1, -1]]

    def test_categories_may_have_any_name_and_embeddings_may_be_none(self):
        items = STORY_ITEMS.assign(**{"rows": STORY_ITEMS["colours"], "an odd: name": [[], [], [], []]})
        builder = FeatureBuilder(open_engine(), items, STORY, ["rows", "an odd: name", "colours"], {})
        got = builder.compute_row_features(ask(("ann", at(40), 0)), np.array([[A, B, C]]))
        assert list(got) == [spec.name for spec in builder.specs]
        assert got["pair_share_rows"].tolist() == got["pair_share_colours"].tolist() == [1, 0.625, 0.25]
        assert got["pair_share_an odd: name"].isna().all()


def test_names_columns_in_the_order_of_their_specs():
    names = [spec.name for spec in build_row_specs(["genres", "artist"], ["text_embedding"])]
    assert names[-4:] == [
        "pair_share_genres",
        "pair_share_artist",
        "pair_text_to_mean",
        "pair_text_to_nearest",
    ]
    assert len(names) == len(set(names)) == 11


@pytest.mark.parametrize("threads", [1, 2])
def test_values_are_the_same_to_the_last_bit_for_any_row_order_and_threads(threads: int):
    rng = np.random.default_rng(7)
    num_events, num_users, num_items = 20_000, 300, 200
    interactions = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in rng.integers(0, num_users, num_events)],
            "item_id": [f"i{item}" for item in rng.zipf(1.3, num_events) % num_items],
            "event_time": (at(0) + rng.integers(0, 90 * 24, num_events) * 3_600_000_000).astype(
                "datetime64[us]"
            ),
            "event_order": range(num_events),
        }
    )
    labels = [[f"c{label}" for label in rng.permutation(7)[:size]] for size in rng.integers(0, 7, num_items)]
    items = pd.DataFrame({"item_id": [f"i{item}" for item in range(num_items)], "labels": labels})
    vectors = {"text_embedding": rng.normal(size=(num_items, 33)).astype(np.float32)}
    asked = ask(*((f"u{user}", at(80), 0) for user in range(num_users)))
    offered = np.stack([rng.permutation(num_items)[:100] for _ in range(num_users)])

    def run(interactions: pd.DataFrame, threads: int) -> pd.DataFrame:
        builder = FeatureBuilder(open_engine(threads), items, interactions, ["labels"], vectors)
        return pd.concat(
            [builder.compute_row_features(asked, offered), builder.compute_query_features(asked)]
        )

    shuffled = interactions.sample(frac=1, random_state=threads).reset_index(drop=True)
    pd.testing.assert_frame_equal(run(shuffled, threads), run(interactions, 2), check_exact=True)


@dataclass(frozen=True)
class World:
    """Everything that features are computed from, and what is asked."""

    items: pd.DataFrame
    vectors: dict[str, np.ndarray]
    happened: pd.DataFrame
    asked: pd.DataFrame
    offered: np.ndarray

    def take(self, query: int) -> "World":
        """One query alone, without the places that hold no candidate."""
        offered = self.offered[[query]]
        asked = self.asked.iloc[[query]].reset_index(drop=True)
        return replace(self, asked=asked, offered=offered[:, offered[0] >= 0])

    def compute(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Query features, row features and histories, one row for each query, candidate and query."""
        interactions = to_interactions(self.happened)
        builder = FeatureBuilder(open_engine(), self.items, interactions, ["genres"], self.vectors)
        asked = to_queries(self.asked)
        of_rows = builder.compute_row_features(asked, self.offered)
        return builder.compute_query_features(asked), of_rows, pd.DataFrame(builder.find_history(asked, 5))


@st.composite
def worlds(draw: st.DrawFn, max_queries: int = 4) -> World:
    labels = st.lists(st.sampled_from("xyz"), max_size=3)
    asked = draw(queries(max_size=max_queries))
    return World(
        items=pd.DataFrame(
            {
                "item_id": [f"i{item}" for item in range(ITEMS)],
                "genres": [draw(labels) for _ in range(ITEMS)],
            }
        ),
        vectors={"text_embedding": np.random.default_rng(3).normal(size=(ITEMS, 5)).astype(np.float32)},
        happened=draw(events(min_size=8)),
        asked=asked,
        offered=draw(candidates(len(asked))),
    )


def is_after(happened: pd.DataFrame, query: pd.Series) -> pd.Series:
    """Which events stand at or after `(as_of, as_of_order)`."""
    is_tie = happened["event_time"] == query["as_of"]
    return (happened["event_time"] > query["as_of"]) | (
        is_tie & (happened["event_order"] >= query["as_of_order"])
    )


# These read the user's last items, for which the order of the source decides ties of time.
FROM_HISTORY = {
    "pair_transitions_last1",
    "pair_transitions_last3",
    "pair_text_to_mean",
    "pair_text_to_nearest",
}


def check_same(one: tuple[pd.DataFrame, ...], other: tuple[pd.DataFrame, ...]) -> None:
    for first, second in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)


class TestTime:
    """The values are compared to the last bit."""

    @repeatable(max_examples=20)
    @given(worlds(max_queries=1), events(min_size=6, users=USERS))
    def test_nothing_at_or_after_the_query_and_its_order_changes_anything(
        self, world: World, others: pd.DataFrame
    ):
        # Orders from 1000 lie after every event of the world, and before a query of the last order.
        others = others.assign(event_order=others["event_order"] + 1000)
        query = world.asked.iloc[0]
        past = world.happened[~is_after(world.happened, query)]
        changed = pd.concat([others[is_after(others, query)], past], ignore_index=True)
        check_same(replace(world, happened=changed).compute(), world.compute())

    @repeatable(max_examples=20)
    @given(worlds(max_queries=1), events(min_size=6, users=USERS))
    def test_nothing_at_the_moment_of_the_query_is_counted_whatever_its_order(
        self, world: World, others: pd.DataFrame
    ):
        # Orders below 0 lie before every event of the world.
        others = others.assign(event_order=others["event_order"] - 1000)
        as_of = world.asked.loc[0, "as_of"]
        past = world.happened[world.happened["event_time"] < as_of]
        changed = pd.concat([others[others["event_time"] >= as_of], past], ignore_index=True)
        of_query, of_rows, _ = world.compute()
        of_query_now, of_rows_now, _ = replace(world, happened=changed).compute()
        counted = [name for name in of_rows if name not in FROM_HISTORY]
        assert len(counted) == len(list(of_rows)) - len(FROM_HISTORY)
        check_same((of_query, of_rows[counted]), (of_query_now, of_rows_now[counted]))

    @repeatable(max_examples=12)
    @given(worlds(max_queries=3))
    def test_training_in_one_batch_equals_serving_one_by_one(self, world: World):
        trained = world.compute()
        served = []
        for query in range(len(world.asked)):
            known = world.happened[~is_after(world.happened, world.asked.iloc[query])]
            served.append(replace(world.take(query), happened=known).compute())
        check_same(trained, tuple(pd.concat(parts, ignore_index=True) for parts in zip(*served, strict=True)))
