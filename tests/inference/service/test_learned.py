"""What a bundle has learned of the log counts there, and not a second time live."""

import time

import pytest

from tests.inference.service.changed import seal
from tests.inference.service.test_events import list_items, send
from tests.inference.service.world import OTHER, set_current, write_event, write_other


@pytest.fixture
def learned(artifacts, bundle):
    """Publishes another bundle whose store says how far it has folded the log."""

    def publish(last, event_id):
        bundles = artifacts / "tiny" / "bundles"
        place = write_other(bundle, bundles)
        seal(place / "features", feedback={"last_event": last, "last_event_id": event_id, "weight": 3.5})
        seal(place)
        set_current(bundles, OTHER)

    return publish


def wait_for_other(client):
    deadline = time.monotonic() + 30
    while client.get("/ready").json()["bundle"] != OTHER:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_only_what_came_after(client, learned):
    """The other bundle says that it learned the first event, which its tables would then hold."""
    send(client, write_event("a"), write_event("b", item_id="item-38"))
    learned(1, "a")
    wait_for_other(client)
    assert {"item-38", "item-39"} - set(list_items(client)) == {"item-38"}
    send(client, write_event("c", event_type="undo", undoes="b"))
    assert {"item-38", "item-39"} <= set(list_items(client))


def test_who_lies_in_quarantine_counts_here(client, learned):
    send(client, write_event("a", user_id="stranger"), write_event("b"))
    learned(2, "b")
    wait_for_other(client)
    assert "item-39" not in list_items(client, "stranger")
    assert "item-39" in list_items(client)


def test_of_another_log_nothing_was_learned(client, learned):
    send(client, write_event("a"))
    learned(1, "z")
    wait_for_other(client)
    assert "item-39" not in list_items(client)


def test_events_before_the_newest_of_the_data_set_count_too(client):
    send(client, write_event("a", event_time="2024-03-01T00:00:00Z"))
    assert "item-39" not in list_items(client)
