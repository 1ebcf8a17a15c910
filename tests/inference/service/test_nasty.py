"""Requests that nobody means well with: refused or answered, never a failure."""

import json

import pytest

from tests.inference.service.world import write_event

ODD_IDS = [
    "../../../etc/passwd",
    "..%2f..%2fetc",
    "'; DROP TABLE towerbridge_events; --",
    "{{7*7}}",
    "%s%n",
    "\u202eresu",
    "😀" * 100,
    "nan",
    "None",
    " user-00",
    "user-00\u00a0",
]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_odd_ids(illustrated_reader, odd):
    assert illustrated_reader.post("/recommend", json={"user_id": odd}).status_code == 404
    assert illustrated_reader.post("/recommend", json={"likes": [odd]}).status_code == 422
    assert illustrated_reader.post("/similar", json={"item_id": odd}).status_code == 404
    assert illustrated_reader.post("/search", json={"text": odd}).status_code == 200
    assert illustrated_reader.delete("/items", params={"item_id": odd}).status_code == 404
    events = {"events": [write_event("a", item_id=odd)]}
    assert illustrated_reader.post("/events", json=events).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        '{"user_id": "user-00", "k": NaN}',
        '{"user_id": "user-00", "k": Infinity}',
        '{"user_id": "user-00", "k": 1e999}',
        '{"user_id": "user-00", "diversity": NaN}',
        '{"profile": {"age": NaN}}',
        '{"profile": {"age": 1e999}}',
        '{"profile": {"age": -Infinity}}',
        '{"profile": {"age": "NaN"}}',
        '{"profile": {"age": ' + "9" * 400 + "}}",
        '{"profile": {"age": {"a": 1}}}',
        '{"profile": {"\\ud800": 1}}',
        '{"user_id": "\\ud800"}',
        '{"likes": ["\\ud800"]}',
        '{"user_id": "user-00", "filters": {"price": {"min": NaN}}}',
        '{"user_id": "user-00", "filters": {"price": {"min": {"min": 1}}}}',
        '{"user_id": "user-00", "as_of": 1e18}',
        '{"user_id": "user-00", "as_of": "0001-01-01T00:00:00+14:00"}',
        '{"user_id": "user-00", "as_of": "9999-12-31T23:59:59-14:00"}',
        '{"user_id": "user-00", "context": {"device": 5}}',
        '{"user_id": "user-00", "user_id": ["user-01"]}',
        "[]",
        "null",
        '"user-00"',
        "",
        "{",
        "[" * 100_000,
        '{"user_id": ' + "9" * 5000 + "}",
        "\xff",
        "\x00",
    ],
)
def test_odd_bodies(reader, body):
    headers = {"Content-Type": "application/json"}
    answer = reader.post("/recommend", content=body.encode("latin-1"), headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["message"]


def test_not_json(reader):
    assert reader.post("/recommend", data={"user_id": "user-00"}).status_code == 422
    assert (
        reader.post("/recommend", json={"user_id": "user-00"}, headers={"Content-Type": "x"}).status_code
        == 422
    )


def test_a_body_beyond_the_limit(reader):
    answer = reader.post("/recommend", json={"user_id": "x" * 300_000})
    expected = "expected a body of at most 300,000 bytes, found more. Remedy: send less at once"
    assert (answer.status_code, answer.json()["message"]) == (413, expected)
    assert answer.headers["connection"] == "close"


def test_a_body_beyond_the_limit_that_does_not_say_so(reader):
    answer = reader.post("/recommend", content=(b" " * 1000 for _ in range(1000)))
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "9" * 5000, "\u0663"])
def test_odd_lengths(reader, length):
    headers = {"Content-Length": length.encode()}
    answer = reader.post("/recommend", content=b"{}", headers=headers)
    assert answer.status_code in (413, 422)


def test_too_many_of_anything(reader):
    for field, value in (
        ("profile", {f"column-{n}": 1 for n in range(101)}),
        ("filters", {f"column-{n}": 1 for n in range(21)}),
        ("exclude", ["item-01"] * 1001),
    ):
        answer = reader.post("/recommend", json={"user_id": "user-00", field: value})
        assert answer.status_code == 422
        assert answer.json()["message"].startswith(f"{field}: ")
    events = [write_event(str(n)) for n in range(1001)]
    answer = reader.post("/events", json={"events": events})
    assert answer.json()["message"].startswith("events: List should have at most 1000 items")


def test_many_faults_are_told_in_short(reader):
    body = {"likes": [0] * 100, "x" * 5000: 1}
    message = reader.post("/recommend", json=body).json()["message"]
    assert message.endswith("; and 96 more")
    assert len(message) < 1000


def test_values_do_not_come_back(reader):
    answer = reader.post("/recommend", json={"user_id": ["secret-person"], "k": "secret"})
    assert "secret" not in json.dumps(answer.json())
