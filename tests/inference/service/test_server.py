"""The real command with two workers: events, kills, reloads and rollbacks under way."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from feature_pipeline.artefact import set_current
from feature_pipeline.entry import CONF
from inference.events import open_log
from tests.inference.service.world import OTHER, copy_bundle, damage, write_event, write_other

pytestmark = pytest.mark.slow

WORKERS = 2
PATIENCE = 180
DAMAGED = "damaged"


@dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        process: the supervisor.
        url: where it answers.
        artifacts: what it serves.
        stderr: its log.
    """

    process: subprocess.Popen[bytes]
    url: str
    artifacts: Path
    stderr: Path

    @property
    def bundles(self) -> Path:
        return self.artifacts / "tiny" / "bundles"

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Each request takes a connection of its own, and so any worker."""
        return requests.post(self.url + path, json=body, timeout=PATIENCE)

    def read_log(self) -> list[dict[str, Any]]:
        """The JSON lines of its log; TensorFlow has some of its own."""
        lines = self.stderr.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def list_alive(self) -> set[int]:
        """The workers that have started and not died."""
        ready = {
            line["worker"] for line in self.read_log() if line["event"] == "Application startup complete."
        }
        return {pid for pid in ready if Path(f"/proc/{pid}").exists()}

    def ask_every_worker(self, user_id: str = "user-00") -> list[dict[str, Any]]:
        """Answers to one user, at least one of each worker."""
        answers, missing, number = [], self.list_alive(), 0
        assert len(missing) == WORKERS
        deadline = time.monotonic() + PATIENCE
        while missing:
            assert time.monotonic() < deadline
            number += 1
            headers = {"X-Request-ID": f"every-{time.monotonic_ns()}"}
            body = {"user_id": user_id, "k": 40}
            answer = requests.post(self.url + "/recommend", json=body, headers=headers, timeout=PATIENCE)
            answers.append(answer.json())
            served = [x["worker"] for x in self.read_log() if x.get("request_id") == headers["X-Request-ID"]]
            missing -= set(served)
        return answers


def wait_for(is_so) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run(module: str, artifacts: Path, *overrides: str) -> list[str]:
    return [sys.executable, "-m", module, "dataset.name=tiny", f"artifacts={artifacts}", *overrides]


@pytest.fixture(scope="module")
def server(bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    artifacts = tmp_path_factory.mktemp("served")
    copy_bundle(bundle, artifacts)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = run("inference.service", artifacts, f"serve.workers={WORKERS}", f"serve.port={port}")
    stderr = artifacts / "stderr"
    with stderr.open("wb") as stream:
        process = subprocess.Popen(command, cwd=CONF.parent, stdout=stream, stderr=stream)
        started = Server(process, f"http://127.0.0.1:{port}", artifacts, stderr)
        try:
            wait_for(lambda: process.poll() is not None or len(started.list_alive()) == WORKERS)
            assert process.poll() is None, stderr.read_text()
            yield started
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0
    assert started.list_alive() == set()


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


def test_a_killed_worker(server):
    """Whoever sends again until there is an answer finds everything in the log, once."""
    victim = min(server.list_alive())
    acknowledged = []

    def send(writer: int) -> None:
        for number in range(25):
            event = write_event(f"{writer}-{number}", user_id=f"writer-{writer}", item_id="item-00")
            while not post(event):
                time.sleep(0.05)
            acknowledged.append(event["event_id"])

    def post(event: dict[str, Any]) -> bool:
        try:
            return server.post("/events", {"events": [event]}).status_code == 200
        except requests.ConnectionError:
            return False

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(send, writer) for writer in range(4)]
        wait_for(lambda: len(acknowledged) > 20)
        os.kill(victim, signal.SIGKILL)
        for written in writing:
            written.result()
    with open_log(str(server.artifacts / "tiny" / "events.sqlite")) as log:
        kept = [event.event_id for _, event in log.read() if event.user_id.startswith("writer-")]
    assert sorted(kept) == sorted(acknowledged)
    assert len(kept) == 100
    wait_for(lambda: len(server.list_alive()) == WORKERS)
    assert victim not in server.list_alive()
    assert all("item-00" not in list_items(answer) for answer in server.ask_every_worker("writer-3"))


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
