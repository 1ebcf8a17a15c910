"""The real command with two workers: events, kills, reloads and rollbacks under way."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from feature_pipeline.artefact import set_current
from feature_pipeline.entry import CONF
from tests.inference.service.running import PATIENCE, WORKERS, Server, run, start_server, wait_for
from tests.inference.service.world import OTHER, damage, write_event, write_other

pytestmark = pytest.mark.slow

DAMAGED = "damaged"


@pytest.fixture(scope="module")
def server(bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(bundle, tmp_path_factory.mktemp("served")) as server:
        yield server


def list_items(answer: dict[str, Any]) -> set[str]:
    return {row["item_id"] for row in answer["recommendations"]}


def test_an_event_counts_for_every_worker_within_two_seconds(server):
    assert all("item-38" in list_items(answer) for answer in server.ask_every_worker())
    sent = server.post("/events", {"events": [write_event("seen by all", item_id="item-38")]})
    assert sent.json()["new"] == 1
    time.sleep(2)
    assert not any("item-38" in list_items(answer) for answer in server.ask_every_worker())


def test_metrics_are_of_all_workers(server):
    name = 'towerbridge_requests_total{method="POST",route="/recommend",status="404"}'

    def count() -> float:
        text = requests.get(server.url + "/metrics", timeout=PATIENCE).text
        found = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)
        assert re.search(rf'^towerbridge_workers{{bundle="\w+"}} {WORKERS}\.0$', text, re.M)
        return float(found[0]) if found else 0.0

    before = count()
    for _ in range(20):
        assert server.post("/recommend", {"user_id": "nobody"}).status_code == 404
    assert count() == before + 20


def test_reload_refusal_and_rollback_while_requests_run(server, bundle):
    is_over = threading.Event()
    words = {bundle.id: {"Thing"}, OTHER: {"Other"}}
    event = write_event("before the reload", user_id="reader", item_id="item-01")
    assert server.post("/events", {"events": [event]}).status_code == 200
    time.sleep(2)

    def read() -> set[str]:
        seen = set()
        while not is_over.is_set():
            answer = server.post("/recommend", {"user_id": "reader", "k": 5})
            assert answer.status_code == 200, answer.text
            content = answer.json()
            found = {row["title"].split()[0] for row in content["recommendations"]}
            assert found == words[content["bundle"]]
            assert "item-01" not in list_items(content)
            seen.add(content["bundle"])
        return seen

    def is_served_by_all(bundle_id: str) -> bool:
        return {answer["bundle"] for answer in server.ask_every_worker()} == {bundle_id}

    def roll_back() -> str:
        command = run("inference.rollback", server.artifacts)
        done = subprocess.run(command, cwd=CONF.parent, capture_output=True, text=True, check=True)
        return done.stdout

    with ThreadPoolExecutor(3) as pool:
        reading = [pool.submit(read) for _ in range(3)]
        write_other(bundle, server.bundles)
        set_current(server.bundles, OTHER)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: is_served_by_all(OTHER))
        damage(write_other(bundle, server.bundles, DAMAGED))
        set_current(server.bundles, DAMAGED)
        refused = lambda: [x["bundle"] for x in server.read_log() if x["event"] == "bundle refused"]  # noqa: E731
        wait_for(lambda: len(refused()) == WORKERS)
        assert roll_back() == f"current: {DAMAGED} -> {OTHER}\n"
        assert is_served_by_all(OTHER)
        assert roll_back() == f"current: {OTHER} -> {bundle.id}\n"
        wait_for(lambda: is_served_by_all(bundle.id))
        is_over.set()
        seen = [answered.result() for answered in reading]
    assert set.union(*seen) == {bundle.id, OTHER}
    assert refused() == [DAMAGED] * WORKERS
