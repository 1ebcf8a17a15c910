"""POST /events: durable, idempotent, all or nothing, and counted at once."""

import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

from feature_pipeline.events import open_log
from tests.inference.service.world import make_settings, write_event


def list_items(client, user_id="user-00"):
    answer = client.post("/recommend", json={"user_id": user_id, "k": 40})
    return [row["item_id"] for row in answer.json()["recommendations"]]


def send(client, *events, status=200):
    answer = client.post("/events", json={"events": list(events)})
    assert answer.status_code == status, answer.text
    return answer.json()


def read_log(artifacts):
    with open_log(make_settings(artifacts).feedback.events) as log:
        return [event.event_id for _, event in log.read()]


def test_counted_at_once_and_kept_once(client, artifacts, bundle):
    assert "item-39" in list_items(client)
    assert send(client, write_event("a")) == {"bundle": bundle.id, "new": 1}
    assert "item-39" not in list_items(client)
    assert send(client, write_event("a"), write_event("b", item_id="item-38"))["new"] == 1
    assert read_log(artifacts) == ["a", "b"]
    history = client.app.state.service.live.model.recommender.get_history("user-00", 3)
    assert history["item_id"].tolist()[:2] == ["item-38", "item-39"]


def test_somebody_who_was_never_seen(client):
    send(client, write_event("a", user_id="newcomer"))
    assert len(list_items(client, "newcomer")) == 39


def test_another_worker_counts_them_within_a_second(start):
    here, there = start(), start()
    send(here, write_event("a"))
    deadline = time.monotonic() + 1
    while "item-39" in list_items(there):
        assert time.monotonic() < deadline + 2  # a busy machine
    assert "item-39" not in list_items(there)


def test_one_that_starts_later_counts_them_too(start):
    send(start(), write_event("a"))
    assert "item-39" not in list_items(start())


def test_impressions_do_not_count(client):
    send(client, write_event("a", event_type="impression", position=1))
    assert "item-39" in list_items(client)


def test_an_undo_takes_back(client):
    send(client, write_event("a"), write_event("b", item_id="item-38"))
    assert "item-39" not in list_items(client)
    send(client, write_event("c", event_type="undo", undoes="a"))
    assert "item-39" in list_items(client)
    assert "item-38" not in list_items(client)


def test_an_undo_that_comes_first(client):
    send(client, write_event("b", event_type="undo", undoes="a"))
    send(client, write_event("a"))
    assert "item-39" in list_items(client)


def test_an_unknown_item_refuses_the_batch(client, artifacts, bundle):
    refused = send(client, write_event("a"), write_event("b", item_id="gone"), status=422)
    assert refused["message"] == (
        f"item 'gone' is not known to bundle {bundle.id}; no event was taken. "
        "Remedy: send the batch without its events, or add the item first"
    )
    assert read_log(artifacts) == []


def test_other_content_under_the_same_id(client, artifacts):
    send(client, write_event("a"))
    refused = send(client, write_event("z"), write_event("a", user_id="user-02"), status=409)
    assert refused["message"] == (
        "event 'a': expected the same content as before, found another user_id. Remedy: send it again "
        "unchanged, or give a new event a new event_id"
    )
    assert read_log(artifacts) == ["a"]


def test_from_the_future(client, artifacts):
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    refused = send(client, write_event("a", event_time=ahead), status=422)
    assert refused["message"] == (
        "events.0.event_time: expected a time that has come, found one ahead of this machine's clock; "
        "no event was taken. Remedy: set the clock of whoever sends it"
    )
    assert read_log(artifacts) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"event_time": "2024-05-01T12:00:00"},
            "events.0.event_time: expected a time with its zone, as 2024-05-01T12:00:00Z, "
            "in the years 1 to 9999",
        ),
        (
            {"event_type": "buy"},
            "events.0.event_type: Input should be 'impression', 'click', 'like' or 'undo'",
        ),
        (
            {"undoes": "x"},
            "events.0: undoes goes with event_type undo, and with no other; give both or neither",
        ),
        ({"position": 0}, "events.0.position: Input should be greater than or equal to 1"),
    ],
)
def test_malformed(client, changes, message):
    assert send(client, write_event("a", **changes), status=422)["message"] == message


def test_acknowledged_once_it_is_on_the_disk(client, artifacts, monkeypatch):
    """Whatever keeps it from counting: it counts when that is over."""
    recommender = client.app.state.service.live.model.recommender
    with monkeypatch.context() as patch:
        patch.setattr(recommender, "add_events", lambda events: 1 / 0)
        assert send(client, write_event("a"))["new"] == 1
        assert read_log(artifacts) == ["a"]
        assert "item-39" in list_items(client)
    deadline = time.monotonic() + 30
    while "item-39" in list_items(client):
        assert time.monotonic() < deadline


def test_a_log_that_cannot_be_written(client, monkeypatch):
    elsewhere = sqlite3.connect(":memory:", check_same_thread=False)
    monkeypatch.setattr(client.app.state.service.live._logs.events, "_connection", elsewhere)
    refused = client.post("/events", json={"events": [write_event("a")]})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["message"] == (
        "the log cannot be written or read now. Remedy: send the same again, unchanged"
    )
