"""A service of its own for a benchmark: two bundles in a folder, and processes that serve them."""

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from feature_pipeline.artefact import MANIFEST, compute_checksums, find_current, set_current

OTHER = "0123456789ab"
_EMBEDDINGS = "item_embeddings.npy"
_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Serving:
    """A running service.

    Attributes:
        url: where it answers.
        bundles: the folder of the bundles it serves.
        ids: of both bundles, the current one first.
        workers: processes that answer.
    """

    url: str
    bundles: Path
    ids: tuple[str, str]
    workers: int

    def publish(self, bundle_id: str) -> None:
        """Makes a bundle the current one, and waits until every worker serves it."""
        set_current(self.bundles, bundle_id)
        _wait_until(lambda: self._count_workers(bundle_id) == self.workers)

    def _count_workers(self, bundle_id: str) -> int:
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            metrics = answer.read().decode()
        found = re.search(rf'^towerbridge_workers{{bundle="{bundle_id}"}} (\S+)$', metrics, re.M)
        return int(float(found[1])) if found else 0


@contextmanager
def serve(artifacts: Path, dataset: str, workers: int) -> Iterator[Serving]:
    """Serves a copy of a data set's current bundle, beside which lies another one, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="towerbridge-bench-") as folder:
        original = find_current(artifacts / dataset / "bundles", f"run make train DATASET={dataset} first")
        place = Path(folder, dataset, "bundles", original.name)
        shutil.copytree(original, place)
        write_other(place)
        set_current(place.parent, place.name)
        with serve_from(Path(folder), dataset, workers) as serving:
            yield serving


@contextmanager
def serve_from(artifacts: Path, dataset: str, workers: int) -> Iterator[Serving]:
    """Serves the current bundle of a data set until the block ends."""
    current = find_current(artifacts / dataset / "bundles", f"run make train DATASET={dataset} first")
    with closing(_find_port()) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "inference.service", f"dataset.name={dataset}"]
    command += [f'artifacts="{artifacts}"', f"serve.workers={workers}", f"serve.port={port}"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            serving = Serving(url, current.parent, (current.name, OTHER), workers)
            _wait_until(lambda: _answers(process, serving, log))
            yield serving
        finally:
            process.terminate()
            process.wait()


def write_other(place: Path) -> Path:
    """A bundle beside another, whose item embeddings are turned round, so that its scores are others."""
    other = place.with_name(OTHER)
    shutil.copytree(place, other)
    np.save(other / _EMBEDDINGS, np.load(other / _EMBEDDINGS)[:, ::-1].copy(), allow_pickle=False)
    manifest = json.loads((other / MANIFEST).read_text())
    changed = {"id": OTHER, "checksums": compute_checksums(other)}
    (other / MANIFEST).write_text(json.dumps(manifest | changed))
    return other


def _find_port() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _answers(process: subprocess.Popen[bytes], serving: Serving, log: IO[str]) -> bool:
    """Whether every worker has begun."""
    if process.poll() is not None:
        log.seek(0)
        raise SystemExit(f"the service has ended; it said last: {log.read()[-1000:]}")
    try:
        return serving._count_workers(serving.ids[0]) == serving.workers
    except OSError:
        return False


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"the service has not done what was asked within {_PATIENCE_SECONDS} s")
        time.sleep(0.2)
