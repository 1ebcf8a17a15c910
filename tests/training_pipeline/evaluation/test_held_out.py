"""The held-out queries of a window, and what was chosen again, against plain Python."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.tiny_store import ENGINE, LATE_ITEMS, LATE_USER
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared, build_feature_builder


class TestHeldOutQueries:
    @pytest.mark.parametrize("split", ["validation", "test"])
    def test_relevant_and_seen_are_what_came_after_and_before(self, prepared: Prepared, split: str) -> None:
        held_out = prepared.build_held_out(split)
        events, ids = prepared.tables.interactions, prepared.tables.items["item_id"]
        in_split = events[prepared.parts == split]
        assert set(held_out.frame["user_id"]) == set(in_split["user_id"])
        for query, user in enumerate(held_out.frame["user_id"]):
            as_of = in_split.loc[in_split["user_id"] == user, "event_time"].min()
            own = events[events["user_id"] == user]
            before = set(own.loc[own["event_time"] < as_of, "item_id"])
            after = set(in_split.loc[in_split["user_id"] == user, "item_id"])
            assert set(ids[held_out.seen[[query]].nonzero()[1]]) == before
            assert set(ids[held_out.relevant[[query]].nonzero()[1]]) == after - before
            assert held_out.frame["as_of"][query] == as_of
            assert held_out.past[query] == len(before)

    def test_moment_is_that_of_the_first_target(self, prepared: Prepared, tested: HeldOut) -> None:
        events = prepared.tables.interactions
        at = events.set_index(["user_id", "event_time"]).loc[
            list(zip(tested.frame["user_id"], tested.frame["as_of"], strict=True))
        ]
        assert tested.frame["device"].map(list).tolist() == at["device"].map(list).tolist()
        for name in ("user_events_before", "user_days_since_last", "context_hour_sin"):
            np.testing.assert_allclose(tested.frame[name], at[name])

    def test_late_user_and_late_items_have_their_segments(self, prepared: Prepared, tested: HeldOut) -> None:
        query, item = tested.relevant.nonzero()
        segments = tested.list_segments()
        assert set(tested.frame["user_id"].iloc[query[segments["user:new"]]]) == {LATE_USER}
        chosen_cold = prepared.tables.items["item_id"].iloc[item[segments["item:cold"]]]
        assert set(chosen_cold) == set(LATE_ITEMS)

    def test_where_items_repeat_nothing_is_excluded_but_the_past_counts(
        self, prepared: Prepared, tested: HeldOut
    ) -> None:
        repeating = replace(prepared, repeats=True).build_held_out("test")
        assert repeating.seen.nnz == 0
        np.testing.assert_array_equal(repeating.past, tested.past)

    def test_popularity_counts_what_is_learned(self, prepared: Prepared, tested: HeldOut) -> None:
        learned = prepared.tables.interactions.loc[prepared.parts == "train", "item_id"]
        counts = [(learned == item).sum() for item in prepared.tables.items["item_id"]]
        assert tested.popularity.tolist() == counts

    def test_groups_of_users_follow_their_rows(self, prepared: Prepared, tested: HeldOut) -> None:
        users = prepared.tables.users.set_index("user_id")
        for query, user in enumerate(tested.frame["user_id"]):
            groups = {name for name, members in tested.users.items() if members[query]}
            assert {name for name in groups if name.startswith("user:country=")} == {
                f"user:country={name}" for name in users.loc[user, "country"]
            }
            ages = {name for name in groups if name.startswith("user:age")}
            assert len(ages) == int(not np.isnan(users.loc[user, "age"]))


class TestRepeated:
    """Every third user's first event of the test window is moved to the item that they met first of all."""

    @pytest.fixture(scope="class")
    def repeating(self, prepared: Prepared) -> Prepared:
        events = prepared.tables.interactions.copy()
        first_met = events.drop_duplicates("user_id").set_index("user_id")["item_id"]
        moved = (prepared.parts == "test") & (events["user_id"].str[-2:].astype(int) % 3 == 2)
        moved &= ~events["user_id"].where(moved).duplicated()
        assert events["event_time"].is_monotonic_increasing
        assert moved.sum() > 5
        events.loc[moved, "item_id"] = events.loc[moved, "user_id"].map(first_met)
        # The first of them then chooses something new, and that item once more.
        one = events[moved].iloc[[0, 0]]
        again = one.assign(item_id=["item-39", one["item_id"].iloc[0]])
        again["event_time"] += pd.to_timedelta([1, 2], unit="us")
        again["event_order"] = len(events) + np.arange(2)
        tables = replace(prepared.tables, interactions=pd.concat([events, again], ignore_index=True))
        builder = build_feature_builder(tables, ENGINE)
        parts = np.append(prepared.parts, ["test", "test"])
        return replace(prepared, tables=tables, parts=parts, builder=builder)

    @staticmethod
    def walk(prepared: Prepared, repeats: bool) -> tuple[dict[str, set[str]], set[tuple[str, str]]]:
        """What each user chose that counts, and what they chose that does not, event after event."""
        events = prepared.tables.interactions.assign(part=prepared.parts)
        relevant: dict[str, set[str]] = {}
        repeated = set()
        for user, own in events.sort_values(["event_time", "event_order"]).groupby("user_id"):
            met: set[str] = set()
            for item, part in zip(own["item_id"], own["part"], strict=True):
                if part != "test":
                    met.add(item)
                elif item in met and not repeats:
                    repeated.add((user, item))
                else:
                    relevant.setdefault(user, set()).add(item)
        return relevant, repeated

    @pytest.mark.parametrize("repeats", [False, True])
    def test_equals_a_walk_through_the_events(self, repeating: Prepared, repeats: bool) -> None:
        held_out = replace(repeating, repeats=repeats).build_held_out("test")
        relevant, repeated = self.walk(repeating, repeats)
        assert bool(repeated) != repeats
        assert list(held_out.repeated) == ["user_id", "item_id"]
        pairs = list(held_out.repeated.itertuples(index=False, name=None))
        assert len(pairs) == len(set(pairs))
        assert set(pairs) == repeated
        ids = repeating.tables.items["item_id"]
        found = {
            user: set(ids[held_out.relevant[[query]].nonzero()[1]])
            for query, user in enumerate(held_out.frame["user_id"])
        }
        assert found == relevant
