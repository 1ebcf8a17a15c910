"""Once round the loop on a tiny film folder: serve, simulate, and learn from it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from feature_pipeline.events import open_log
from feature_pipeline.events.event import to_microseconds
from feature_pipeline.store import FeatureStore, open_current_store
from inference.service.app import create_app
from inference.service.config import Settings, read_settings
from inference.simulation.play import Plan, Round, play
from inference.simulation.tastes import standardise
from tests.end_to_end.commands import run_module
from tests.end_to_end.films import NUM_FILMS, USERS, write_films
from tests.end_to_end.test_road import SMALL
from tests.inference.composed import compose_config
from training_pipeline.bundle import Bundle, open_current_bundle

pytestmark = pytest.mark.slow

# Without content nothing needs an encoder.
PLAIN = (
    "~dataset.items.features.description",
    "~dataset.items.features.poster",
    "~dataset.users.features.profile",
)
EVE, NEW = "eve", "9000"
START = pd.Timestamp("2020-01-01T12:00:00Z").to_pydatetime()


class Loop:
    """The folder after one round: what was said, and both bundles."""

    def __init__(self, folder: Path) -> None:
        self.artifacts = folder / "artifacts"
        self.raw = folder / "raw"
        write_films(self.raw)
        self.learn()
        self.former = self.bundle
        # As in life, the service goes on while the next bundle is made.
        self.client = TestClient(create_app(self.settings, threading.Event()))

    def learn(self) -> str:
        """Features and training; returns what they said."""
        places = ("dataset=movielens", f"dataset.root={self.raw}", f"artifacts={self.artifacts}")
        said = ""
        for module in ("feature_pipeline", "training_pipeline"):
            done = run_module(module, self.artifacts.parent, *places, *SMALL, *PLAIN)
            assert done.returncode == 0, done.stderr
            said += done.stderr
        return said

    @property
    def settings(self) -> Settings:
        places = (f"dataset.root={self.raw}", f"artifacts={self.artifacts}")
        return read_settings(compose_config("serve", "dataset=movielens", *places))

    @property
    def bundle(self) -> Bundle:
        return open_current_bundle(self.artifacts, "movielens")

    @property
    def store(self) -> FeatureStore:
        return open_current_store(self.artifacts, "movielens")

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self) -> list[Round]:
        """Everybody looks at two lists; somebody new does, too, and likes an item that is new."""
        self.post("/users", {"users": [{"user_id": EVE, "profile": {"age": 30}}]})
        self.post("/items", {"items": [{"item_id": NEW, "title": "New", "features": {"genres": ["Comedy"]}}]})
        films = [*map(str, range(1, NUM_FILMS + 1)), NEW]
        users = [*USERS, EVE]
        affinity = [
            [float((int(film) > NUM_FILMS // 2) == place % 2) for film in films]
            for place in range(len(users))
        ]
        tastes = standardise(pd.DataFrame(affinity, index=users, columns=films))
        rounds = list(play(self.post, tastes, Plan(users, 2, 6, START, timedelta(days=1), seed=0)))
        own = {"user_id": EVE, "event_time": "2020-01-03T00:00:00Z", "provenance": "human"}
        liked = own | {"event_id": "liked", "event_type": "like", "item_id": NEW}
        clicked = own | {"event_id": "clicked", "event_type": "click", "item_id": "1"}
        undone = own | {"event_id": "undone", "event_type": "undo", "item_id": "1", "undoes": "clicked"}
        stranger = liked | {"event_id": "stranger", "user_id": "stranger"}
        self.post("/events", {"events": [liked, clicked, undone, stranger]})
        return rounds


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    loop = Loop(tmp_path_factory.mktemp("loop"))
    with loop.client:
        loop.rounds = loop.act()
        loop.said = loop.learn()
        deadline = time.monotonic() + 60
        while loop.client.get("/version").json()["features"] != loop.store.id:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield loop


@pytest.fixture(scope="module")
def logged(loop: Loop) -> pd.DataFrame:
    """Clicks and likes that the service has acknowledged and nobody took back."""
    with open_log(loop.settings.feedback.events) as log:
        events = [event for _, event in log.read()]
    assert len(events) == sum(found.events for found in loop.rounds) + 4
    chosen = [e for e in events if e.event_type in ("click", "like") and e.event_id != "clicked"]
    return pd.DataFrame(
        [(e.user_id, e.item_id, to_microseconds(e.event_time), f"feedback:{e.event_type}") for e in chosen],
        columns=["user_id", "item_id", "event_time", "event_type"],
    )


def count_rows(frame: pd.DataFrame) -> Counter[tuple[Any, ...]]:
    return Counter(frame.itertuples(index=False, name=None))


def test_each_acknowledged_event_is_in_the_store_once(loop: Loop, logged: pd.DataFrame) -> None:
    events = loop.store.read_table("interactions")
    folded = events[events["event_type"].str.startswith("feedback:")]
    times = folded["event_time"].astype("datetime64[us]").astype("int64")
    stored = folded.assign(event_time=times)[list(logged)]
    assert count_rows(stored) == count_rows(logged[logged["user_id"] != "stranger"])
    assert len(logged) > 50
    quarantine = loop.store.read_table("quarantine")
    assert quarantine.loc[quarantine["value"] == "stranger", "reason"].tolist() == ["user_id is not in users"]


def test_who_and_what_came_is_in_the_tables(loop: Loop) -> None:
    users, items = (loop.store.read_table(table) for table in ("users", "items"))
    assert users.set_index("user_id").loc[EVE, "age"] == 30
    assert list(items.set_index("item_id").loc[NEW, "genres"]) == ["Comedy"]
    ignored = loop.store.read_ignored()
    assert ignored is not None
    assert len(ignored) + len(logged_items(loop)) <= sum(found.shown for found in loop.rounds) + 1


def logged_items(loop: Loop) -> set[tuple[str, str]]:
    events = loop.store.read_table("interactions")
    folded = events[events["event_type"].str.startswith("feedback:")]
    return set(folded[["user_id", "item_id"]].itertuples(index=False, name=None))


def test_the_new_bundle_counts_none_of_them_a_second_time(loop: Loop) -> None:
    events = loop.bundle.tables.interactions
    for user_id in (EVE, USERS[0], USERS[3]):
        own = events[events["user_id"] == user_id]
        answer = loop.client.get("/history", params={"user_id": user_id, "limit": 1000}).json()
        assert answer["bundle"] == loop.bundle.id
        shown = [event["item_id"] for event in answer["events"]]
        assert Counter(shown) == Counter(own["item_id"])
    live = loop.client.app.state.service.live.model.recommender._events
    assert [event for frame in live for event in frame["user_id"]] == ["stranger"]


def test_what_comes_next_counts_live(loop: Loop) -> None:
    before = loop.client.get("/history", params={"user_id": EVE}).json()["events"]
    event = {
        "event_id": "next",
        "user_id": EVE,
        "item_id": "2",
        "event_type": "like",
        "event_time": "2020-02-01T00:00:00Z",
        "provenance": "human",
    }
    loop.post("/events", {"events": [event]})
    after = loop.client.get("/history", params={"user_id": EVE}).json()["events"]
    assert [row["item_id"] for row in after] == ["2", *(row["item_id"] for row in before)]


def test_the_difference_is_told(loop: Loop, logged: pd.DataFrame) -> None:
    change = loop.bundle.manifest["change"]
    counts = (
        logged[logged["user_id"] != "stranger"]["event_type"].str.removeprefix("feedback:").value_counts()
    )
    assert "change" not in loop.former.manifest
    assert change["former"] == loop.former.id
    assert change["feedback"] == [{}, counts.sort_index().to_dict()]
    assert change["events"][1] - change["events"][0] == counts.sum()
    overlap = change["overlap"]["with feedback"]
    assert overlap["users"] == logged.loc[logged["user_id"].isin(USERS), "user_id"].nunique()
    assert 0 <= overlap["overlap@10"] < 1
    assert f"Beside the former bundle {loop.former.id}:" in loop.said
    assert set(change["NDCG@10"]) == {"validation", "test"}
    json.dumps(change, allow_nan=False)
