"""Invented users: what they do by hand-set tastes, and the events that tell of it."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event
from inference.simulation.play import Plan, play
from inference.simulation.player import Visit, react, write_events
from inference.simulation.tastes import (
    compute_click_chance,
    compute_like_chance,
    read_tastes,
    standardise,
)
from tests.inference.composed import compose_config

MOMENT = datetime(2025, 7, 1, 12, tzinfo=UTC)


def react_often(liking, times=4000):
    rng = np.random.default_rng(0)
    found = [react(np.array(liking, float), rng) for _ in range(times)]
    return tuple(
        np.mean([getattr(r, name) for r in found], axis=0) for name in ("looked", "clicked", "liked")
    )


class TestTastes:
    def test_in_standard_deviations_of_the_user(self):
        affinity = pd.DataFrame([[1.0, 3.0], [5.0, 5.0]], index=["ann", "bob"], columns=["cup", "pot"])
        tastes = standardise(affinity)
        assert tastes.get("ann", ["pot", "cup", "new"]).tolist() == [1, -1, 0]
        assert tastes.get("bob", ["pot"]).tolist() == [0]
        assert tastes.user_ids == ["ann", "bob"]

    def test_of_a_file(self, tmp_path):
        rows = [("ann", "cup", 1.0), ("ann", "pot", 3.0)]
        pd.DataFrame(rows, columns=["user_id", "item_id", "liking"]).to_parquet(tmp_path / "tastes.parquet")
        tastes = read_tastes(None, tmp_path / "tastes.parquet")
        assert tastes.get("ann", ["cup"]).tolist() == [-1]

    @pytest.mark.parametrize("columns", [["user_id", "item_id"], ["a", "b", "liking"]])
    def test_of_a_file_of_something_else(self, tmp_path, columns):
        pd.DataFrame([["x"] * len(columns)], columns=columns).to_parquet(tmp_path / "tastes.parquet")
        with pytest.raises(
            UserError, match=r"^tastes: expected a Parquet file with user_id, item_id, liking"
        ):
            read_tastes(None, tmp_path / "tastes.parquet")


class TestReaction:
    def test_looks_fall_with_the_place_and_choices_rise_with_the_liking(self):
        looked, clicked, liked = react_often([1.0, 1.0, 1.5, -3.0])
        np.testing.assert_allclose(looked, 1 / np.log2([2, 3, 4, 5]), atol=0.03)
        assert looked[0] == 1
        np.testing.assert_allclose(clicked[:2], [0.5, 0.5 / np.log2(3)], atol=0.03)
        np.testing.assert_allclose(liked / looked, compute_like_chance(np.array([1, 1, 1.5, -3])), atol=0.03)
        assert clicked[3] < 0.01

    def test_only_what_was_clicked_is_liked(self):
        rng = np.random.default_rng(1)
        for _ in range(200):
            found = react(rng.normal(1, 1, 12), rng)
            assert not (found.liked & ~found.clicked).any()
            assert not (found.clicked & ~found.looked).any()

    def test_chances_worked_by_hand(self):
        assert compute_click_chance(np.array([1.0])) == 0.5
        assert compute_like_chance(np.array([1.5])) == pytest.approx(0.5 / (1 + np.exp(-1)))


class TestEvents:
    VISIT = Visit("ann", MOMENT, "0123456789ab", "monday")

    def write(self):
        yes, no = np.array([True, True]), np.array([False, True])
        reaction = react(np.zeros(2), np.random.default_rng(0))
        return write_events(self.VISIT, ["cup", "pot"], type(reaction)(yes, yes, no))

    def test_the_service_takes_them(self):
        events = [Event.model_validate(event) for event in self.write()]
        assert [(e.event_type, e.item_id, e.position) for e in events] == [
            ("impression", "cup", 1),
            ("impression", "pot", 2),
            ("click", "cup", 1),
            ("click", "pot", 2),
            ("like", "pot", 2),
        ]
        assert [(e.event_time - MOMENT).seconds for e in events] == [0, 0, 3, 6, 9]
        assert {(e.provenance, e.session, e.bundle) for e in events} == {
            ("simulated", "monday", "0123456789ab")
        }

    def test_the_same_visit_has_the_same_ids(self):
        ids = [event["event_id"] for event in self.write()]
        assert len(set(ids)) == 5
        assert ids == [event["event_id"] for event in self.write()]


class TestPlay:
    PLAN = Plan(["ann", "bob"], 2, 3, MOMENT, pd.Timedelta(days=1).to_pytimedelta(), seed=3)
    TASTES = standardise(
        pd.DataFrame([[1.0, 2.0, 9.0], [5.0, 1.0, 1.0]], index=["ann", "bob"], columns=list("xyz"))
    )

    def play(self):
        sent = []

        def post(path, body):
            if path == "/events":
                sent.extend(body["events"])
                return {"new": len(body["events"])}
            assert path == "/recommend"
            shown = "xyz" if body["user_id"] == "ann" else ""
            return {"bundle": "b", "recommendations": [{"item_id": item} for item in shown[: body["k"]]]}

        return list(play(post, self.TASTES, self.PLAN)), sent

    def test_rounds_add_up(self):
        rounds, sent = self.play()
        assert [r.number for r in rounds] == [1, 2]
        kinds = [event["event_type"] for event in sent]
        assert [sum(getattr(r, name) for r in rounds) for name in ("shown", "clicks", "likes", "events")] == [
            *(kinds.count(kind) for kind in ("impression", "click", "like")),
            len(sent),
        ]
        liking = self.TASTES.get("ann", list("xyz"))
        assert rounds[0].appeal == pytest.approx(liking.mean())
        assert rounds[0].satisfaction == pytest.approx(compute_like_chance(liking).mean())
        assert {event["event_time"][:10] for event in sent} == {"2025-07-01", "2025-07-02"}

    def test_the_same_seed_plays_the_same(self):
        assert self.play() == self.play()


def test_other_data_sets_need_a_file():
    from feature_pipeline.config import read_section
    from feature_pipeline.dataset_config import DatasetConfig

    config = compose_config("simulate", "dataset=movielens", "dataset.root=x")
    with pytest.raises(UserError, match=r"Remedy: simulate.tastes=FILE$"):
        read_tastes(read_section(DatasetConfig, config, "dataset"), None)
