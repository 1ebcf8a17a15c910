"""POST /users: by one worker, for all of them, and for the next bundle; GET /history."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature_pipeline.feedback.changes import ChangeLog
from tests.inference.service.world import make_settings, set_current, write_event, write_other
from tests.tiny_store import SILENT_USER

ADA = {"user_id": "ada", "profile": {"age": 36, "country": "Peru"}}
ASK = {"user_id": "ada", "k": 40}


def register(client, *users):
    return client.post("/users", json={"users": list(users)})


def read_log(artifacts):
    log = ChangeLog(make_settings(artifacts).feedback.users, "feedback.users")
    rows = [row for _, change in log.read() for row in change.rows]
    log.close()
    return rows


def wait_until_known(client):
    deadline = time.monotonic() + 30
    while client.post("/recommend", json=ASK).status_code == 404:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_answered_by_profile_and_events(client, bundle, artifacts):
    assert client.post("/recommend", json=ASK).status_code == 404
    answer = register(client, ADA)
    assert (answer.status_code, answer.json()) == (200, {"bundle": bundle.id, "new": 1})
    found = client.post("/recommend", json=ASK).json()["recommendations"]
    described = client.post("/recommend", json={"profile": ADA["profile"], "k": 40}).json()
    assert found == described["recommendations"]
    client.post("/events", json={"events": [write_event("a", user_id="ada")]})
    after = client.post("/recommend", json=ASK).json()["recommendations"]
    assert {row["item_id"] for row in found} - {row["item_id"] for row in after} == {"item-39"}
    assert read_log(artifacts) == [ADA]


def test_sent_again(client, artifacts):
    register(client, ADA)
    again = register(client, ADA, {"user_id": "bob", "profile": {}})
    assert (again.status_code, again.json()["new"]) == (200, 1)
    assert [row["user_id"] for row in read_log(artifacts)] == ["ada", "bob"]


@pytest.mark.parametrize(
    ("user", "status", "message"),
    [
        (
            {"user_id": "user-00"},
            409,
            "user 'user-00' is known to bundle {bundle} already; nobody was registered. "
            "Remedy: ask with this user_id as it is, or register under a new one",
        ),
        (
            {"user_id": "ada", "profile": {"age": 37}},
            409,
            "user 'ada': expected the profile with which this user registered, found another; nobody was "
            "registered. Remedy: send it again unchanged, or register under a new user_id",
        ),
        (
            {"user_id": "bob", "profile": {"agee": 37}},
            422,
            "profile: unknown key 'agee', did you mean 'age'? Choices: age, country",
        ),
        ({"user_id": "bob", "profile": {"age": "old"}}, 422, "profile age: expected a number, found 'old'"),
        ({"profile": {}}, 422, "users.1.user_id: Field required"),
    ],
)
def test_refused_whole(client, artifacts, bundle, user, status, message):
    register(client, ADA)
    answer = register(client, {"user_id": "new"}, user)
    assert (answer.status_code, answer.json()["message"]) == (status, message.format(bundle=bundle.id))
    assert read_log(artifacts) == [ADA]
    assert client.post("/recommend", json={"user_id": "new"}).status_code == 404


def test_one_profile_stands_whoever_is_asked_at_once(client, start, artifacts):
    clients = [client, start()]

    def try_one(number):
        return register(clients[number % 2], {"user_id": "ada", "profile": {"age": number}}).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(try_one, range(8)))
    assert (answers.count(200), answers.count(409)) == (1, 7)
    assert read_log(artifacts) == [{"user_id": "ada", "profile": {"age": answers.index(200)}}]
    shown = [c.post("/recommend", json=ASK).json()["recommendations"] for c in clients]
    assert shown[0] == shown[1]


def test_other_workers_and_the_next_bundle_follow(client, start, artifacts, bundle):
    other = start()
    register(client, ADA)
    wait_until_known(other)
    bundles = artifacts / "tiny" / "bundles"
    set_current(bundles, write_other(bundle, bundles).name)
    deadline = time.monotonic() + 30
    while other.get("/ready").json()["bundle"] == bundle.id and time.monotonic() < deadline:
        time.sleep(0.1)
    answer = other.post("/recommend", json=ASK)
    assert (answer.status_code, answer.json()["bundle"] != bundle.id) == (200, True)


def test_a_profile_that_this_bundle_cannot_read_counts_as_empty(start, artifacts):
    log = ChangeLog(make_settings(artifacts).feedback.users, "feedback.users")
    client = start()
    register(client, ADA)
    (number, change), *_ = log.read()
    shoes = {"user_id": "bob", "profile": {"shoes": 43}}
    assert log.append_after(number, type(change)("add", [shoes]))
    log.close()
    deadline = time.monotonic() + 10
    while client.post("/recommend", json={"user_id": "bob"}).status_code == 404:
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestHistory:
    def test_newest_first(self, client, bundle):
        for number, item in enumerate(("item-39", "item-38")):
            event = write_event(item, item_id=item, event_time=f"2024-05-0{number + 1}T12:00:00+02:00")
            client.post("/events", json={"events": [event]})
        answer = client.get("/history", params={"user_id": "user-00", "limit": 3}).json()
        assert (answer["bundle"], answer["user_id"], len(answer["events"])) == (bundle.id, "user-00", 3)
        assert answer["events"][:2] == [
            {"item_id": "item-38", "title": "Thing 38", "event_time": "2024-05-02T10:00:00Z"},
            {"item_id": "item-39", "title": "Thing 39", "event_time": "2024-05-01T10:00:00Z"},
        ]

    def test_of_nothing(self, client):
        assert client.get("/history", params={"user_id": SILENT_USER}).json()["events"] == []
        register(client, ADA)
        assert client.get("/history", params={"user_id": "ada"}).json()["events"] == []

    @pytest.mark.parametrize(
        ("params", "status"),
        [({"user_id": "nobody"}, 404), ({}, 422), ({"user_id": "user-00", "limit": 1001}, 422)],
    )
    def test_refused(self, client, params, status):
        assert client.get("/history", params=params).status_code == status
