"""POST and DELETE /items: by one worker, for all of them, and for the next bundle."""

import time

import pandas as pd
import pytest

from feature_pipeline.feedback.changes import ChangeLog
from inference.recommender import Recommender
from tests.inference.service.running import wait_for
from tests.inference.service.world import OTHER, make_settings, set_current, write_event, write_other
from tests.tiny_store import SILENT_USER

NEW = {"item_id": "item-new", "title": "New thing", "features": {"shape": "round", "price": 3}}
SECONDS = 30


@pytest.fixture
def expected(bundle):
    """Changed as the service should be."""
    return Recommender(bundle)


def get_recommender(client):
    return client.app.state.service.live.model.recommender


def add_new(recommender):
    recommender.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New thing", **NEW["features"]}]))


def list_items(client, **filters):
    """Titles by id of all that somebody who has met nothing may be shown."""
    answer = client.post("/recommend", json={"user_id": SILENT_USER, "k": 100, "filters": filters})
    return {row["item_id"]: row["title"] for row in answer.json()["recommendations"]}


def find_alike(client, item_id="item-07"):
    return client.post("/similar", json={"item_id": item_id, "k": 100}).json()["items"]


def rank_alike(recommender, item_id="item-07"):
    return recommender.similar(item_id, "tower", 100).to_dict("records")


def test_added(client, bundle, expected):
    answer = client.post("/items", json={"items": [NEW]})
    assert (answer.status_code, answer.json()) == (200, {"bundle": bundle.id, "items": 1})
    add_new(expected)
    for item_id in ("item-07", "item-new"):
        assert find_alike(client, item_id) == rank_alike(expected, item_id)
    assert "item-new" in {row["item_id"] for row in find_alike(client)}


def test_it_is_what_was_said(client, bundle):
    client.post("/items", json={"items": [NEW]})
    assert len(list_items(client)) == len(bundle.tables.items) + 1
    assert list_items(client, shape="round", price=3) == {"item-new": "New thing"}
    refused = client.post("/similar", json={"item_id": "item-new", "by": "text"})
    assert refused.json()["message"] == "item 'item-new' has no text to compare"


def test_events_about_it_are_taken(client):
    event = write_event("a", item_id="item-new", event_type="impression")
    assert client.post("/events", json={"events": [event]}).status_code == 422
    client.post("/items", json={"items": [NEW]})
    assert client.post("/events", json={"events": [event]}).status_code == 200


def test_removed(client, bundle, expected):
    gone = ["item-01", "item-02"]
    answer = client.delete("/items", params={"item_id": gone})
    assert (answer.status_code, answer.json()) == (200, {"bundle": bundle.id, "items": 2})
    assert list_items(client).keys() == set(bundle.tables.items["item_id"]) - set(gone)
    expected.remove_items(gone)
    assert find_alike(client) == rank_alike(expected)


def test_other_workers_follow_each_change_once(client, start, expected):
    other = start()
    client.post("/items", json={"items": [NEW]})
    client.delete("/items", params={"item_id": ["item-01"]})
    # Whatever changes a recommender gives it another snapshot.
    here = get_recommender(client)._snapshot
    add_new(expected)
    expected.remove_items(["item-01"])
    wait_for(lambda: find_alike(other) == rank_alike(expected), SECONDS)
    there = get_recommender(other)._snapshot
    time.sleep(0.6)
    assert get_recommender(client)._snapshot is here
    assert get_recommender(other)._snapshot is there
    assert find_alike(client) == rank_alike(expected)


def test_the_next_bundle_knows_them(client, artifacts, bundle):
    client.post("/items", json={"items": [NEW]})
    bundles = artifacts / "tiny" / "bundles"
    set_current(bundles, write_other(bundle, bundles).name)
    wait_for(lambda: client.get("/ready").json()["bundle"] == OTHER, SECONDS)
    assert list_items(client)["item-new"] == "New thing"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"item_id": "a", "title": "A", "features": {"shap": "round"}},
            "item 'a': unknown key 'features.shap', did you mean 'features.shape'? "
            "Choices: price, shape, text",
        ),
        (
            {"item_id": "a", "title": "A", "features": {"price": "much"}},
            "item 'a': features.price: expected a number, found 'much'",
        ),
        ({"item_id": "a"}, "items.1.title: Field required"),
    ],
)
def test_refused_whole(client, artifacts, bundle, item, message):
    answer = client.post("/items", json={"items": [NEW, item]})
    assert answer.status_code == 422
    assert answer.json()["message"] == message
    assert list_items(client).keys() == set(bundle.tables.items["item_id"])
    log = ChangeLog(make_settings(artifacts).feedback.items, "feedback.items")
    assert log.read() == []
    log.close()


def test_unknown_ones_are_not_removed(client, bundle):
    answer = client.delete("/items", params={"item_id": ["item-01", "../item-02"]})
    expected = (
        f"item '../item-02' is not known to bundle {bundle.id}; nothing was removed. Remedy: leave it out"
    )
    assert (answer.status_code, answer.json()["message"]) == (404, expected)
    assert list_items(client).keys() == set(bundle.tables.items["item_id"])
