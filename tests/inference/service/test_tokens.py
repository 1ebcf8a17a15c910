"""Writing where the service has a token."""

import pytest

from feature_pipeline.errors import UserError
from inference.service.config import TOKEN, read_settings
from tests.inference.composed import compose_config
from tests.inference.service.world import write_event

REFUSED = (
    "expected the token that this service was started with, found another or none. "
    "Remedy: send the header Authorization: Bearer TOKEN"
)


@pytest.fixture
def guarded(start):
    return start(token="open-sesame")


def write(client, **headers):
    return client.post("/events", json={"events": [write_event("a")]}, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer open-sesam"},
        {"Authorization": "Bearer open-sesame1"},
        {"Authorization": "Basic open-sesame"},
        {"Authorization": "Bearer \xe9"},
        {"Authorization": "Bearer"},
    ],
)
def test_refused(guarded, headers):
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = write(guarded, **encoded)
    assert (answer.status_code, answer.json()["message"]) == (401, REFUSED)
    assert answer.headers["www-authenticate"] == 'Bearer realm="towerbridge"'


def test_every_write_is_guarded(guarded):
    item = {"item_id": "a", "title": "A"}
    assert guarded.post("/items", json={"items": [item]}).status_code == 401
    assert guarded.post("/users", json={"users": [{"user_id": "ada"}]}).status_code == 401
    assert guarded.delete("/items", params={"item_id": "item-01"}).status_code == 401


def test_let_through(guarded):
    assert write(guarded, Authorization="Bearer open-sesame").status_code == 200


def test_reading_needs_none(guarded):
    assert guarded.post("/recommend", json={"user_id": "user-00"}).status_code == 200
    assert guarded.get("/metrics").status_code == 200


@pytest.mark.parametrize("token", ["", "two words", "caf\xe9"])
def test_tokens_that_no_header_can_hold(monkeypatch, token):
    monkeypatch.setenv(TOKEN, token)
    with pytest.raises(UserError, match=r"^TOWERBRIDGE_TOKEN: expected one or more ASCII characters without"):
        read_settings(compose_config("serve"))
