"""GET /health, /ready, /version, /metrics, and the OpenAPI document."""

import re

from feature_pipeline.artefact import read_versions

WRITES = [("/events", "post"), ("/items", "post"), ("/items", "delete")]
READS = [("/recommend", "post"), ("/similar", "post"), ("/search", "post")]


def test_health_and_ready(reader, bundle):
    assert reader.get("/health").json() == {"status": "alive"}
    assert reader.get("/ready").json() == {"bundle": bundle.id, "status": "ready"}


def test_version(reader, bundle):
    answer = reader.get("/version").json()
    assert (answer["bundle"], answer["features"]) == (bundle.id, bundle.store.id)
    assert answer["versions"]["tensorflow"] == read_versions("tensorflow")["tensorflow"]
    assert answer["trained_with"] == bundle.manifest["versions"]


def count(metrics: str, name: str) -> float:
    (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", metrics, re.M) or ["0"]
    return float(value)


def test_metrics(reader):
    name = 'towerbridge_requests_total{method="POST",route="/recommend",status="404"}'
    before = count(reader.get("/metrics").text, name)
    reader.post("/recommend", json={"user_id": "nobody"})
    answer = reader.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert count(answer.text, name) == before + 1
    assert "nobody" not in answer.text


def test_paths_that_are_not_there_make_no_new_series(reader):
    assert reader.get("/user-00").json()["message"] == "Not Found"
    metrics = reader.get("/metrics").text
    assert 'towerbridge_requests_total{method="GET",route="unknown",status="404"}' in metrics
    assert "user-00" not in metrics


def test_wrong_method(reader):
    answer = reader.get("/recommend")
    assert (answer.status_code, answer.json()["message"]) == (405, "Method Not Allowed")


def test_the_document_tells_every_error_and_who_may_write(reader):
    document = reader.get("/openapi.json").json()
    for path, method in READS + WRITES:
        endpoint = document["paths"][path][method]
        for status, response in endpoint["responses"].items():
            schema = response["content"]["application/json"]["schema"]["$ref"]
            assert schema.endswith("/Refusal") == (status != "200")
        assert {"413", "422", "500", "503"} <= endpoint["responses"].keys()
        assert ("security" in endpoint) == ((path, method) in WRITES)
    bodies = document["paths"]["/search"]["post"]["requestBody"]["content"]
    assert list(bodies) == ["application/json", "multipart/form-data"]
