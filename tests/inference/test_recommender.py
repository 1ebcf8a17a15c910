"""The recommender on the tiny bundle: what it returns, to whom, and as of when."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.errors import UserError
from inference.ask import UnknownUserError
from inference.moment import build_queries
from inference.recommender import Recommender
from tests.tiny_store import BLOCK_OF_ITEM, LATE_USER, SILENT_USER
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import compute_table_standing, open_live_features
from training_pipeline.retrieval.dataset import build_examples
from training_pipeline.retrieval.embed import embed_queries

COLUMNS = ["user_id", "item_id", "title", "rank", "retrieval_score", "ranking_score", "chance"]


def get_events(bundle: Bundle, user_id: str) -> pd.DataFrame:
    events = bundle.tables.interactions
    return events[events["user_id"] == user_id]


class TestOneUser:
    def test_columns_ranks_and_order(self, recommender):
        found = recommender.recommend(["user-00"], 10)
        assert list(found.columns) == COLUMNS
        assert found["rank"].tolist() == list(range(1, 11))
        assert (np.diff(found["ranking_score"]) <= 0).all()
        assert set(found["user_id"]) == {"user-00"}
        assert found["title"].tolist() == [f"Thing {int(i[-2:])}" for i in found["item_id"]]

    def test_nothing_twice_and_nothing_seen(self, recommender, bundle):
        found = recommender.recommend(["user-00"], 28)
        seen = set(get_events(bundle, "user-00")["item_id"])
        assert len(seen) == 12
        assert found["item_id"].is_unique
        assert set(found["item_id"]).isdisjoint(seen)

    def test_more_than_the_ranker_is_used_to(self, recommender, bundle):
        assert bundle.ranker_config.candidates == 25
        assert len(recommender.recommend(["user-00"], 27)) == 27

    def test_fewer_left_than_asked(self, recommender):
        found = recommender.recommend(["user-00"], 40)
        assert found["rank"].tolist() == list(range(1, 29))

    def test_own_block_comes_first(self, recommender):
        for user, block in (("user-00", 0), ("user-01", 1)):
            items = recommender.recommend([user], 5)["item_id"].str[-2:].astype(int)
            assert (BLOCK_OF_ITEM[items] == block).mean() >= 0.8

    def test_retrieval_score_is_the_inner_product(self, recommender, bundle):
        found = recommender.recommend(["user-04"], 28).set_index("item_id")
        live = open_live_features(bundle.tables, bundle.standing)
        builder = live.builder
        queries = build_queries(bundle, live, ["user-04"], None, {})
        known = bundle.tables.find_users(queries)
        examples = build_examples(queries, known, bundle.inputs, builder, bundle.query.length)
        users = bundle.inputs.user.encode(bundle.tables.users, bundle.tables.user_vectors)
        index = bundle.inputs.index_items(bundle.tables.items)
        query = embed_queries(bundle.query_tower, examples, users, bundle.item_embeddings, index)[0]
        products = pd.Series(bundle.item_embeddings @ query, bundle.tables.items["item_id"])
        np.testing.assert_allclose(found["retrieval_score"], products[found.index], rtol=1e-5, atol=1e-6)

    def test_chances_lie_between_nothing_and_certainty_and_fall_with_rank(self, recommender):
        for user in ("user-00", "user-01", SILENT_USER):
            chances = recommender.recommend([user], 25)["chance"]
            assert chances.dtype == "float32"
            assert chances.between(0, 1).all()
            assert (np.diff(chances) <= 0).all()
        assert recommender.recommend(["user-00"], 25)["chance"].nunique() > 1

    def test_chances_follow_from_the_scores_of_all_candidates(self, recommender, bundle):
        """By hand: a score's logarithmic share, looked up between the points of the published file."""
        points = json.loads((bundle.path / "calibration.json").read_text())
        found = recommender.recommend(["user-00"], bundle.ranker_config.candidates)
        scores = found["ranking_score"].astype(float)
        shares = scores - np.log(np.exp(scores).sum())
        expected = np.interp(shares, points["shares"], points["chances"])
        np.testing.assert_allclose(found["chance"], expected, rtol=1e-5, atol=1e-6)

    def test_chances_are_the_same_however_few_are_shown(self, recommender):
        few, many = (recommender.recommend(["user-00"], k) for k in (3, 25))
        pd.testing.assert_frame_equal(few, many[:3])

    def test_asked_twice_answers_alike(self, recommender):
        first, again = (recommender.recommend(["user-02"], 10, explain=True) for _ in range(2))
        pd.testing.assert_frame_equal(first, again)


class TestUsersWithoutHistory:
    def test_silent_user_is_served(self, recommender):
        found = recommender.recommend([SILENT_USER], 40)
        assert len(found) == 40
        assert np.isfinite(found[["retrieval_score", "ranking_score", "chance"]]).all(axis=None)

    def test_user_who_came_last_is_served_without_what_they_met(self, recommender, bundle):
        found = recommender.recommend([LATE_USER], 40)
        assert len(found) == 40 - len(get_events(bundle, LATE_USER))


class TestManyUsers:
    USERS = ("user-07", SILENT_USER, "user-00", LATE_USER)

    def test_together_as_one_by_one(self, recommender):
        together = recommender.recommend(self.USERS, 10)
        alone = pd.concat([recommender.recommend([user], 10) for user in self.USERS], ignore_index=True)
        pd.testing.assert_frame_equal(together, alone, rtol=1e-5, atol=1e-5)

    def test_unknown_user_is_told_a_few_known_ones(self, recommender, bundle):
        expected = (
            f"user 'nobody' is not known to bundle {bundle.id} of tiny. It knows 40 users, among them "
            "user-00, user-01, user-02, user-03, user-04"
        )
        with pytest.raises(UnknownUserError) as error:
            recommender.recommend(["user-00", "nobody"], 10)
        assert str(error.value) == expected


class TestMoment:
    def test_before_the_first_event_nothing_is_seen_yet(self, recommender, bundle):
        first = get_events(bundle, "user-00")["event_time"].min().to_pydatetime()
        assert len(recommender.recommend(["user-00"], 40, as_of=first)) == 40
        after = first + timedelta(microseconds=1)
        assert len(recommender.recommend(["user-00"], 40, as_of=after)) == 39

    def test_naive_means_utc(self, recommender):
        naive = datetime(2024, 3, 1, 12)
        answers = [
            recommender.recommend(["user-00"], 10, as_of=moment)
            for moment in (
                naive,
                naive.replace(tzinfo=UTC),
                datetime(2024, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))),
            )
        ]
        pd.testing.assert_frame_equal(answers[0], answers[1])
        pd.testing.assert_frame_equal(answers[0], answers[2])

    def test_the_future_changes_nothing(self, recommender, bundle):
        """Scores at a moment are the same when all events from then on are dropped from the bundle."""
        moment = datetime(2024, 3, 1, 12)
        past = Bundle(bundle.path, bundle.manifest)
        events = bundle.tables.interactions
        kept = events[events["event_time"] < moment].reset_index(drop=True)
        vars(past)["tables"] = tables = replace(bundle.tables, interactions=kept)
        vars(past)["standing"] = compute_table_standing(tables)
        users = ["user-00", "user-01", SILENT_USER]
        pd.testing.assert_frame_equal(
            Recommender(past).recommend(users, 10, as_of=moment),
            recommender.recommend(users, 10, as_of=moment),
        )

    def test_context_is_the_latest_one_unless_given(self, recommender, bundle):
        latest = get_events(bundle, "user-00")["device"].iloc[-1][0]
        other = {"phone": "desk", "desk": "phone"}[latest]
        usual = recommender.recommend(["user-00"], 10)
        pd.testing.assert_frame_equal(
            usual, recommender.recommend(["user-00"], 10, context={"device": latest})
        )
        changed = recommender.recommend(["user-00"], 10, context={"device": other})
        assert not np.allclose(usual["retrieval_score"], changed["retrieval_score"])

    def test_unknown_context_lists_the_choices(self, recommender):
        with pytest.raises(UserError, match=r"^context 'devise' is unknown\. Choices: device$"):
            recommender.recommend(["user-00"], 10, context={"devise": "phone"})


class TestHistory:
    def test_newest_first(self, recommender, bundle):
        history = recommender.get_history("user-00", 5)
        assert history["item_id"].tolist() == get_events(bundle, "user-00")["item_id"].tolist()[:-6:-1]

    def test_nothing_at_or_after_the_moment(self, recommender, bundle):
        times = get_events(bundle, "user-00")["event_time"]
        moment = times.iloc[4].to_pydatetime()
        assert (
            recommender.get_history("user-00", 14, moment)["event_time"].tolist() == times[:4][::-1].tolist()
        )

    def test_none(self, recommender):
        assert recommender.get_history(SILENT_USER, 5).empty


def test_data_set_that_repeats_offers_what_was_seen(bundle):
    store = bundle.store
    repeating = Bundle(bundle.path, bundle.manifest)
    dataset = {**store.manifest["dataset"], "repeats": True}
    vars(repeating)["store"] = replace(store, manifest={**store.manifest, "dataset": dataset})
    assert len(Recommender(repeating).recommend(["user-00"], 40)) == 40
