"""Whom the recommender serves besides the bundle's users, and what may be wished for."""

from datetime import datetime
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.errors import UserError
from inference.ask import Ask, UnknownUserError
from inference.recommender import Recommender
from tests.tiny_store import BLOCK_OF_ITEM, SILENT_USER


@pytest.fixture
def fresh(bundle) -> Recommender:
    """One that may be changed."""
    return Recommender(bundle)


def happen(user_id: str, *item_ids: str, start: str = "2030-01-01") -> pd.DataFrame:
    times = pd.date_range(start, periods=len(item_ids), freq="h").astype("datetime64[us]")
    return pd.DataFrame({"user_id": user_id, "item_id": item_ids, "event_time": times, "weight": 1.0})


def block_of(item_ids: pd.Series) -> np.ndarray:
    return BLOCK_OF_ITEM[item_ids.str[-2:].astype(int)]


class TestSomebodyNew:
    def test_likes_say_what_is_wanted(self, recommender, bundle):
        ids = bundle.tables.items["item_id"]
        for block in (0, 1):
            likes = [item for item in ids if BLOCK_OF_ITEM[int(item[-2:])] == block][:4]
            found = recommender.recommend(Ask(likes=likes), 8)
            assert set(found["user_id"]) == {""}
            assert set(found["item_id"]).isdisjoint(likes)
            assert (block_of(found["item_id"]) == block).mean() > 0.6

    def test_a_profile_alone_is_enough(self, recommender, bundle):
        name = next(iter(bundle.store.dataset.users.features))
        known = bundle.tables.users[name].iloc[0]
        value = list(known) if isinstance(known, np.ndarray) else known
        assert len(recommender.recommend(Ask(profile={name: value}), 5)) == 5

    def test_somebody_as_a_known_user_gets_the_same(self, recommender, bundle):
        """The profile and the events of a user that the bundle knows, by another name."""
        events = bundle.tables.interactions
        own = events[events["user_id"] == "user-00"].sort_values("event_time")
        users = bundle.tables.users.set_index("user_id").loc["user-00"]
        declared = bundle.store.dataset.users.features
        profile = {
            name: list(users[name]) if isinstance(users[name], np.ndarray) else users[name]
            for name in declared
        }
        found = recommender.recommend(Ask(profile=profile, likes=list(own["item_id"])), 20)
        theirs = recommender.recommend(["user-00"], 20)
        assert set(found["item_id"].head(10)) & set(theirs["item_id"].head(10))

    def test_nothing_of_it_is_kept(self, recommender):
        before = recommender.recommend(["user-00", SILENT_USER], 10)
        recommender.recommend(Ask(likes=["item-03"]), 10)
        recommender.recommend(Ask(user_id="user-00", likes=["item-03"]), 10)
        pd.testing.assert_frame_equal(recommender.recommend(["user-00", SILENT_USER], 10), before)

    def test_likes_of_a_known_user_count_besides(self, recommender):
        plain = recommender.recommend(["user-00"], 10)
        liked = plain["item_id"].iloc[0]
        found = recommender.recommend(Ask(user_id="user-00", likes=[liked]), 10)
        assert liked not in set(found["item_id"])
        assert not np.allclose(found["retrieval_score"].head(3), plain["retrieval_score"].head(3))

    def test_likes_lie_before_the_moment(self, recommender):
        asked = Ask(likes=["item-03"])
        assert "item-03" not in set(recommender.recommend(asked, 40, as_of=datetime(2024, 3, 1))["item_id"])

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({}, "expected a user_id, a profile, or liked items, found nothing of them"),
            (
                {"user_id": "user-00", "profile": {"age": 3}},
                "profile: expected none for a known user, found one. Remedy: leave user_id out",
            ),
        ],
    )
    def test_asks_that_make_no_sense(self, given, message):
        with pytest.raises(UserError) as error:
            Ask(**given)
        assert str(error.value) == message

    def test_unknown_columns_values_and_items(self, recommender):
        with pytest.raises(UserError, match=r"^profile: "):
            recommender.recommend(Ask(profile={"shoe size": 43}), 5)
        with pytest.raises(UserError, match=r"^item: 'item-3' is not known"):
            recommender.recommend(Ask(likes=["item-3"]), 5)


class TestNewcomers:
    PROFILE: ClassVar[dict] = {"age": 30, "country": "Peru"}

    def test_answered_by_the_profile(self, fresh):
        fresh.add_users({"ada": self.PROFILE})
        found = fresh.recommend(Ask("ada"), 10)
        described = fresh.recommend(Ask(profile=self.PROFILE), 10)
        assert set(found["user_id"]) == {"ada"}
        pd.testing.assert_frame_equal(found.drop(columns="user_id"), described.drop(columns="user_id"))
        assert fresh.get_history("ada", 5).empty

    def test_and_by_what_they_do(self, fresh):
        """Whichever comes first, and whatever else changes meanwhile."""
        fresh.add_events(happen("ada", "item-00"))
        fresh.add_users({"ada": self.PROFILE})
        fresh.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New"}]))
        fresh.add_events(happen("ada", "item-02", start="2030-01-02"))
        found = fresh.recommend(["ada"], 5)
        fresh.replace_events(
            pd.concat([happen("bob", "item-00"), happen("bob", "item-02", start="2030-01-02")])
        )
        fresh.add_users({"bob": self.PROFILE})
        same = fresh.recommend(["bob"], 5)
        pd.testing.assert_frame_equal(found.drop(columns="user_id"), same.drop(columns="user_id"))
        assert len(fresh.recommend(["ada"], 5)) == 5

    def test_the_profile_matters(self, fresh):
        fresh.add_users({"ada": self.PROFILE, "bob": {"age": 70}})
        ada, bob = (fresh.recommend([user], 10)["retrieval_score"] for user in ("ada", "bob"))
        assert not np.allclose(ada, bob)

    def test_several_at_once_are_answered_as_alone(self, fresh):
        fresh.add_users({"ada": self.PROFILE})
        found = fresh.recommend(["user-00", "ada"], 5)
        assert found["user_id"].tolist() == 5 * ["user-00"] + 5 * ["ada"]
        for user in ("user-00", "ada"):
            alone = fresh.recommend([user], 5)["item_id"].tolist()
            assert found.loc[found["user_id"] == user, "item_id"].tolist() == alone

    def test_what_the_bundle_says_stays(self, fresh):
        before = fresh.recommend(["user-00"], 5)
        fresh.add_users({"user-00": self.PROFILE})
        pd.testing.assert_frame_equal(fresh.recommend(["user-00"], 5), before)

    def test_nobody_is_added_where_one_profile_is_wrong(self, fresh):
        with pytest.raises(UserError, match=r"^profile: unknown key 'agee', did you mean 'age'"):
            fresh.add_users({"ada": self.PROFILE, "bob": {"agee": 3}})
        for ask in (lambda: fresh.recommend(["ada"], 5), lambda: fresh.get_history("ada", 5)):
            with pytest.raises(UnknownUserError):
                ask()


class TestFreshness:
    def test_what_was_met_is_not_offered_and_moves_the_rest(self, fresh):
        before = fresh.recommend(["user-00"], 10)
        first = before["item_id"].iloc[0]
        fresh.add_events(happen("user-00", first))
        after = fresh.recommend(["user-00"], 10)
        assert first not in set(after["item_id"])
        assert not np.allclose(before["retrieval_score"].iloc[1:3], after["retrieval_score"].iloc[:2])
        assert fresh.get_history("user-00", 1)["item_id"].tolist() == [first]

    def test_a_user_whom_only_events_know(self, fresh):
        with pytest.raises(UnknownUserError):
            fresh.recommend(["newcomer"], 5)
        fresh.add_events(happen("newcomer", "item-00", "item-02"))
        found = fresh.recommend(["newcomer"], 5)
        assert len(found) == 5
        assert set(found["item_id"]).isdisjoint({"item-00", "item-02"})

    def test_popularity_advances_for_everybody(self, fresh):
        moment = datetime(2030, 1, 3)
        before = fresh.recommend([SILENT_USER], 25, as_of=moment)
        for user in range(8):
            fresh.add_events(happen(f"crowd-{user}", "item-07", start="2030-01-02"))
        after = fresh.recommend([SILENT_USER], 25, as_of=moment)
        scores = [f.set_index("item_id")["ranking_score"]["item-07"] for f in (before, after)]
        assert scores[0] != scores[1]
        unmoved = [f.set_index("item_id")["retrieval_score"]["item-07"] for f in (before, after)]
        assert unmoved[0] == unmoved[1]

    def test_events_after_the_moment_change_nothing(self, fresh):
        moment = datetime(2024, 3, 1)
        before = fresh.recommend(["user-00"], 10, as_of=moment)
        fresh.add_events(happen("user-00", before["item_id"].iloc[0]))
        pd.testing.assert_frame_equal(fresh.recommend(["user-00"], 10, as_of=moment), before)

    def test_an_unknown_item_is_refused_and_nothing_is_kept(self, fresh):
        before = fresh.get_history("user-00", 1)["item_id"].iloc[0]
        with pytest.raises(UserError, match=r"^item: 'nothing' is not known"):
            fresh.add_events(happen("user-00", "item-00", "nothing"))
        assert fresh.get_history("user-00", 1)["item_id"].iloc[0] == before


class TestWishes:
    def test_filters_keep_k_full(self, recommender, bundle):
        items = bundle.tables.items
        name = next(s.name for s in bundle.tables.specs["items"] if s.kind == "categorical")
        value = items[name].iloc[0][0]
        has_it = {i for i, values in zip(items["item_id"], items[name], strict=True) if value in values}
        found = recommender.recommend(["user-00"], 40, filters={name: value})
        met = set(recommender.get_history("user-00", 100)["item_id"])
        assert set(found["item_id"]) == has_it - met
        assert found["chance"].isna().all()

    def test_excluded_items_do_not_come_up(self, recommender):
        usual = recommender.recommend(["user-00"], 10)["item_id"]
        found = recommender.recommend(["user-00"], 10, exclude=list(usual[:3]))["item_id"]
        assert set(found).isdisjoint(usual[:3])
        assert len(found) == 10

    def test_diversity_changes_the_order_and_not_the_scores(self, recommender):
        usual = recommender.recommend(["user-00"], 28)
        varied = recommender.recommend(["user-00"], 28, diversity=0.9)
        assert varied["item_id"].iloc[0] == usual["item_id"].iloc[0]
        assert varied["item_id"].tolist() != usual["item_id"].tolist()
        by_item = usual.set_index("item_id")["ranking_score"]
        np.testing.assert_array_equal(varied["ranking_score"], by_item[varied["item_id"]])

    def test_caps(self, recommender, bundle):
        name = next(s.name for s in bundle.tables.specs["items"] if s.kind == "categorical")
        found = recommender.recommend(["user-00"], 3, caps={name: 1})
        shown = bundle.tables.items.set_index("item_id").loc[found["item_id"], name].explode()
        assert shown.is_unique


class TestSearch:
    def test_similar_in_the_towers_is_the_nearest_by_cosine(self, recommender, bundle):
        units = bundle.item_embeddings / np.linalg.norm(bundle.item_embeddings, axis=1, keepdims=True)
        cosines = units @ units[4]
        cosines[4] = -np.inf
        found = recommender.similar("item-04", "tower", 5)
        assert list(found.columns) == ["item_id", "title", "rank", "score"]
        assert found["item_id"].tolist() == [f"item-{n:02}" for n in np.argsort(-cosines)[:5]]
        np.testing.assert_allclose(found["score"], np.sort(cosines)[::-1][:5], rtol=1e-5)

    def test_something_must_be_asked(self, recommender):
        with pytest.raises(UserError) as error:
            recommender.search()
        assert str(error.value) == "search: expected a text, an image, or both, found neither"


class TestItems:
    def test_a_new_item_is_found_by_what_it_is(self, fresh, bundle):
        """It says what item-03 says; the towers hold both for nearly the same."""
        twin = bundle.tables.items.set_index("item_id").loc["item-03"]
        declared = bundle.store.dataset.items.features
        row = {name: twin[name] for name, feature in declared.items() if feature.kind != "text"}
        fresh.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New", **row}]))
        found = fresh.recommend([SILENT_USER], 41)
        assert len(found) == 41
        assert "item-new" in set(found["item_id"])
        alike = fresh.similar("item-new", "tower", 41)
        assert len(alike) == 40

    def test_others_keep_their_scores(self, fresh):
        before = fresh.recommend(["user-00"], 28).set_index("item_id")["retrieval_score"]
        fresh.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New"}]))
        after = fresh.recommend(["user-00"], 29).set_index("item_id")["retrieval_score"]
        np.testing.assert_array_equal(after[before.index], before)

    def test_it_can_be_met(self, fresh):
        fresh.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New"}]))
        fresh.add_events(happen("user-00", "item-new"))
        assert fresh.get_history("user-00", 1)["item_id"].tolist() == ["item-new"]
        found = fresh.recommend(["user-00"], 40, explain=True)
        assert "item-new" not in set(found["item_id"])

    def test_events_before_it_still_count(self, fresh):
        fresh.add_events(happen("user-00", "item-20"))
        fresh.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New"}]))
        assert fresh.get_history("user-00", 1)["item_id"].tolist() == ["item-20"]

    def test_removed_ones_are_not_found_and_come_back(self, fresh):
        usual = fresh.recommend(["user-00"], 10)
        gone = list(usual["item_id"][:2])
        fresh.remove_items(gone)
        found = fresh.recommend(["user-00"], 10)
        assert set(found["item_id"]).isdisjoint(gone)
        assert len(found) == 10
        assert set(fresh.similar("item-04", "tower", 40)["item_id"]).isdisjoint(gone)
        fresh.add_items(pd.DataFrame([{"item_id": item, "title": "again"} for item in gone]))
        pd.testing.assert_frame_equal(fresh.recommend(["user-00"], 10), usual)

    def test_a_value_of_the_wrong_kind(self, fresh, bundle):
        name = next(n for n, f in bundle.store.dataset.items.features.items() if f.kind == "numeric")
        with pytest.raises(UserError, match=rf"^item {name}: expected a number, found 'much'"):
            fresh.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New", name: "much"}]))


def test_replaced_events_are_all_that_count(fresh):
    before = fresh.recommend(["user-00"], 10)
    fresh.add_events(happen("user-00", before["item_id"].iloc[0]))
    fresh.replace_events(happen("user-00", before["item_id"].iloc[1]))
    found = fresh.recommend(["user-00"], 40)
    assert before["item_id"].iloc[0] in set(found["item_id"])
    assert before["item_id"].iloc[1] not in set(found["item_id"])
    fresh.replace_events(happen("user-00"))
    pd.testing.assert_frame_equal(fresh.recommend(["user-00"], 10), before)
