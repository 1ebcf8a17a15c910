"""Request ids and logs, which tell nothing about a person; and what becomes of a failure."""

import json
import logging

import pytest

from inference.service.logs import JsonFormatter


@pytest.fixture
def logged(caplog):
    """The lines logged since, as objects."""
    caplog.set_level(logging.INFO, "inference.service")
    formatter = JsonFormatter()
    return lambda: [json.loads(formatter.format(record)) for record in caplog.records]


def test_a_sane_id_is_kept(reader):
    answer = reader.get("/health", headers={"X-Request-ID": "a-B.9_"})
    assert answer.headers["x-request-id"] == "a-B.9_"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, '"};', "caf\xe9".encode("latin-1")])
def test_another_is_replaced(reader, given):
    answer = reader.get("/health", headers={"X-Request-ID": given})
    assert len(answer.headers["x-request-id"]) == 32


def test_a_line_for_each_request(reader, logged, bundle):
    answer = reader.post("/recommend", json={"user_id": "user-00"}, headers={"X-Request-ID": "mine"})
    assert answer.status_code == 200
    (line,) = [line for line in logged() if line["event"] == "request"]
    assert line.keys() == {
        *("time", "level", "event", "worker", "request_id", "method", "route", "status", "ms", "bundle")
    }
    assert (line["request_id"], line["route"], line["status"]) == ("mine", "/recommend", 200)
    assert line["bundle"] == bundle.id
    assert line["ms"] > 0


def test_no_word_about_the_person(reader, logged):
    reader.post("/recommend?user=secret-person", json={"user_id": "secret-person"})
    reader.post("/secret-person", json={"profile": {"secret": "person"}})
    assert "secret" not in json.dumps(logged())


def test_a_failure_is_answered_without_its_trace(reader, logged, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("about secret-person")

    monkeypatch.setattr(reader.app.state.service.live.model.recommender, "answer", fail)
    answer = reader.post("/recommend", json={"user_id": "secret-person"})
    assert answer.status_code == 500
    assert answer.json() == {
        "message": "the service has failed. Remedy: give the request_id to those who run it",
        "request_id": answer.headers["x-request-id"],
    }
    (line,) = logged()
    assert (line["level"], line["status"]) == ("error", 500)
    assert line["error"].startswith("RuntimeError < test_trace.py:")
    assert "secret" not in json.dumps(line)
