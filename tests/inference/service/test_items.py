"""POST and DELETE /items: by one worker, for all of them, and for the next bundle."""

import time

import pytest

from feature_pipeline.feedback.changes import ChangeLog
from tests.inference.service.world import make_settings, set_current, write_event, write_other
from tests.tiny_store import SILENT_USER

NEW = {"item_id": "item-new", "title": "New thing", "features": {"shape": "round", "price": 3}}


def get_recommender(client):
    return client.app.state.service.live.model.recommender


def test_added(future, bundle):
    answer = future.post("/items", json={"items": [NEW]})
    assert (answer.status_code, answer.json()) == (200, {"bundle": bundle.id, "items": 1})
    row = get_recommender(future).added["item-new"]
    assert (row["title"], list(row["shape"]), row["price"], row["text"]) == (
        "New thing",
        ["round"],
        3.0,
        None,
    )


def test_events_about_it_are_taken(future):
    event = write_event("a", item_id="item-new", event_type="impression")
    assert future.post("/events", json={"events": [event]}).status_code == 422
    future.post("/items", json={"items": [NEW]})
    assert future.post("/events", json={"events": [event]}).status_code == 200


def test_removed(future, bundle):
    answer = future.delete("/items", params={"item_id": ["item-01", "item-02"]})
    assert (answer.status_code, answer.json()) == (200, {"bundle": bundle.id, "items": 2})
    assert get_recommender(future).removed == ["item-01", "item-02"]


def test_other_workers_follow_each_change_once(future, start):
    other = start()
    future.post("/items", json={"items": [NEW]})
    future.delete("/items", params={"item_id": ["item-01"]})
    deadline = time.monotonic() + 10
    while not get_recommender(other).removed and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.6)
    for client in (future, other):
        assert list(get_recommender(client).added) == ["item-new"]
        assert get_recommender(client).removed == ["item-01"]


def test_the_next_bundle_knows_them(future, artifacts, bundle):
    future.post("/items", json={"items": [NEW]})
    bundles = artifacts / "tiny" / "bundles"
    set_current(bundles, write_other(bundle, bundles).name)
    deadline = time.monotonic() + 30
    while future.get("/ready").json()["bundle"] == bundle.id and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(get_recommender(future).added) == ["item-new"]


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
        ({"item_id": "a"}, "items.0.title: Field required"),
    ],
)
def test_refused_whole(future, artifacts, item, message):
    answer = future.post("/items", json={"items": [NEW, item][item["item_id"] != "a" :][::-1]})
    assert answer.status_code == 422
    assert answer.json()["message"] == message
    assert get_recommender(future).added == {}
    log = ChangeLog(make_settings(artifacts).feedback.items, "feedback.items")
    assert log.read() == []
    log.close()


def test_unknown_ones_are_not_removed(future, bundle):
    answer = future.delete("/items", params={"item_id": ["item-01", "../item-02"]})
    expected = (
        f"item '../item-02' is not known to bundle {bundle.id}; nothing was removed. Remedy: leave it out"
    )
    assert (answer.status_code, answer.json()["message"]) == (404, expected)
    assert get_recommender(future).removed == []


def test_added_for_real(client, bundle):
    assert client.post("/items", json={"items": [NEW]}).status_code == 200
    many = len(bundle.tables.items) + 1
    found = client.post("/recommend", json={"user_id": SILENT_USER, "k": many}).json()["recommendations"]
    assert NEW["item_id"] in {row["item_id"] for row in found}


def test_removed_for_real(client, bundle):
    assert client.delete("/items", params={"item_id": "item-01"}).status_code == 200
    body = {"user_id": SILENT_USER, "k": len(bundle.tables.items)}
    found = client.post("/recommend", json=body).json()["recommendations"]
    assert "item-01" not in {row["item_id"] for row in found}
