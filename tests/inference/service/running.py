"""A real service in a process of its own, with two workers."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from feature_pipeline.entry import CONF
from tests.inference.service.world import copy_bundle
from training_pipeline.bundle import Bundle

WORKERS = 2
PATIENCE = 180


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
        return set(filter(is_alive, ready))

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


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead may still be listed."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or before it was read
        return False
    return state != "Z"


def wait_for(is_so: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run(module: str, artifacts: Path, *overrides: str) -> list[str]:
    return [sys.executable, "-m", module, "dataset.name=tiny", f"artifacts={artifacts}", *overrides]


@contextmanager
def start_server(bundle: Bundle, artifacts: Path) -> Iterator[Server]:
    """Serves a copy of the tiny bundle until the block ends; then every process must have ended, too."""
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
