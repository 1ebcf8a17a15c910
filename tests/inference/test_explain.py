"""Reasons: the strongest true ones first, with evidence from the history."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.schema import FeatureSpec
from inference.explain import NUM_REASONS, Explainer
from inference.rank import Ranked
from tests.tiny_store import ENGINE, SILENT_USER
from tests.training_pipeline.ranking.planted import to_rows
from training_pipeline.prepare import build_feature_builder
from training_pipeline.ranking.rows import RETRIEVAL_SPECS, RankingRows, build_row_builder

SPECS = [
    *RETRIEVAL_SPECS,
    FeatureSpec("age", "query", "numeric"),
    FeatureSpec("genre", "candidate", "categorical", "genre"),
    FeatureSpec("item_events_7d", "candidate", "numeric", "popular this week"),
    FeatureSpec("pair_transitions_last1", "pair", "numeric", "what others took next"),
    FeatureSpec("pair_share_genre", "pair", "numeric", "genre you choose often"),
    FeatureSpec("pair_cover_to_nearest", "pair", "numeric", "cover much like a recent one"),
]
ROW = {
    "retrieval_score": 0.2,
    "retrieval_rank": 0.0,
    "retrieval_gap": 0.0,
    "age": 30.0,
    "genre": "poem|play",
    "item_events_7d": 5.0,
    "pair_transitions_last1": 0.4,
    "pair_share_genre": 0.5,
    "pair_cover_to_nearest": 0.9,
}
TITLES = np.array(["Ash", "Birch", "Cedar", "Durian"])
# Item 3 is explained. Among items 0, 1 and 2 the nearest by the towers is 0, and by the cover 1.
BY_TOWERS = np.array([[1, 0], [0, 1], [-1, 0], [2, 0.5]], np.float32)
BY_COVER = np.array([[0, 1], [5, 5], [-1, 0], [1, 1]], np.float32)


@dataclass
class GivenEffects:
    """A ranker whose columns are known to add this much to the one score."""

    effects: dict[str, float]

    def explain(self, rows: RankingRows) -> np.ndarray:
        return np.array([[self.effects.get(spec.name, 0.0) for spec in SPECS]], np.float32)


def explain(effects: dict[str, float], past: tuple[int, ...] = (0, 1, 2), **values: object) -> list[str]:
    explainer = Explainer(SPECS, GivenEffects(effects), TITLES, BY_TOWERS, {"cover_embedding": BY_COVER})
    rows = to_rows(pd.DataFrame([ROW | values]), np.array([0]), np.array([3], np.int32))
    one = np.array([1.0], np.float32)
    ranked = Ranked(rows.query, np.array([1]), rows.item, one, one, one, rows)
    return explainer.explain(ranked, np.array([[-1, *past]]))[0]


def test_strongest_first_and_two_at_most():
    effects = {"item_events_7d": 0.2, "genre": 0.5, "pair_share_genre": 0.3}
    assert explain(effects) == ["genre: poem, play", "genre you choose often: poem, play"]
    assert explain(effects | {"item_events_7d": 0.9})[0] == "popular this week"


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        ("retrieval_score", "close to what you chose before: Ash"),
        ("retrieval_rank", "close to what you chose before: Ash"),
        ("retrieval_gap", "close to what you chose before: Ash"),
        ("pair_cover_to_nearest", "cover much like a recent one: Birch"),
        ("pair_transitions_last1", "what others took next: Cedar"),
    ],
)
def test_evidence_is_the_title_that_the_words_point_at(feature, reason):
    assert explain({feature: 1.0}) == [reason]


def test_same_words_once():
    assert len(explain({"retrieval_score": 0.4, "retrieval_rank": 0.3})) == 1


def test_what_lowers_the_score_is_no_reason():
    assert explain({"genre": -0.5, "item_events_7d": 0.1}) == ["popular this week"]
    assert explain({"genre": -0.5}) == []


def test_a_column_without_words_says_nothing():
    assert explain({"age": 5.0, "genre": 0.1}) == ["genre: poem, play"]


def test_words_that_are_not_true_are_not_said():
    assert explain({"item_events_7d": 1.0}, item_events_7d=0.0) == []
    assert explain({"pair_share_genre": 1.0}, pair_share_genre=np.nan) == []
    assert explain({"genre": 1.0}, genre="") == []


def test_without_a_past_nothing_is_said_of_it():
    effects = dict.fromkeys(ROW, 1.0) | {"item_events_7d": 0.5}
    assert explain(effects, past=()) == ["genre: poem, play", "popular this week"]


def test_columns_of_embeddings_say_nothing():
    """They stand behind the columns that have a name, and may weigh more than all of these."""

    class WithEmbeddings(GivenEffects):
        def explain(self, rows: RankingRows) -> np.ndarray:
            return np.append(super().explain(rows), [[9.0, 8.0]], axis=1)

    explainer = Explainer(SPECS, WithEmbeddings({"genre": 0.1}), TITLES, BY_TOWERS, {})
    rows = to_rows(pd.DataFrame([ROW]), np.array([0]), np.array([3], np.int32))
    one = np.array([1.0], np.float32)
    ranked = Ranked(rows.query, np.array([1]), rows.item, one, one, one, rows)
    assert explainer.explain(ranked, np.array([[0]])) == [["genre: poem, play"]]


class TestWithoutRanker:
    def explain(self, history: list[list[int]], query: list[int]) -> list[list[str]]:
        """Reasons for item 3, shown once to each of some queries."""
        explainer = Explainer(SPECS, None, TITLES, BY_TOWERS, {"cover_embedding": BY_COVER})
        count = len(query)
        shown, score = np.full(count, 3, np.int32), np.ones(count, np.float32)
        chance = np.full(count, np.nan, np.float32)
        ranked = Ranked(np.array(query), np.ones(count, int), shown, score, score, chance, None)
        return explainer.explain(ranked, np.array(history))

    def test_the_one_reason_is_the_nearest_of_the_own_history(self):
        """Of the towers, not of the cover: item 0 before item 1, and item 1 before item 2."""
        reasons = self.explain([[0, 1, 2], [-1, 2, 1]], query=[0, 1])
        assert reasons == [["close to what you chose before: Ash"], ["close to what you chose before: Birch"]]

    def test_without_a_past_there_is_none(self):
        assert self.explain([[-1, -1], [-1, 2]], query=[0, 1]) == [
            [],
            ["close to what you chose before: Cedar"],
        ]


class TestRealRanker:
    def test_top_items_have_reasons_in_words(self, recommender):
        for user in ("user-00", "user-01", "user-07"):
            reasons = recommender.recommend([user], 5, explain=True)["reasons"]
            assert all(1 <= len(those) <= NUM_REASONS for those in reasons)
            assert all(isinstance(reason, str) and reason for those in reasons for reason in those)

    def test_evidence_comes_from_the_recent_history(self, recommender, bundle):
        titles = set(bundle.tables.items["title"])
        named = set()
        for user in bundle.tables.users["user_id"][:12]:
            history = recommender.get_history(user, 10)["item_id"]
            own = set(bundle.tables.items.set_index("item_id").loc[history, "title"])
            for reasons in recommender.recommend([user], 5, explain=True)["reasons"]:
                evidence = {reason.rpartition(": ")[2] for reason in reasons} & titles
                assert evidence <= own
                named |= evidence
        assert named

    def test_user_without_history_hears_nothing_of_one(self, recommender, bundle):
        builder = build_feature_builder(bundle.tables, ENGINE)
        specs = build_row_builder(bundle.tables, builder, bundle.signals, bundle.ranker_config).specs
        of_a_past = tuple(spec.reason for spec in specs if spec.side == "pair" and spec.reason)
        assert "taken by people with a past like yours" in of_a_past
        reasons = recommender.recommend([SILENT_USER], 10, explain=True)["reasons"].explode().dropna()
        assert len(reasons)
        assert not reasons.str.startswith(of_a_past).any()
