"""A publisher that is killed at any moment leaves the service with the old bundle or the new, both whole."""

import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
KILLS = 20
PATIENCE = 60


def count_refused(client) -> float:
    """Bundles that this process has refused, in other tests as well."""
    found = re.search(r'reloads_total{outcome="refused"} (\S+)', client.get("/metrics").text)
    return float(found[1]) if found else 0.0


def test_twenty_kills_while_a_service_watches(client, artifacts, bundle):
    is_over = threading.Event()
    words = {bundle.id: "Thing"}  # of all others, their ids

    def ask() -> str:
        answer = client.post("/recommend", json={"user_id": "user-00", "k": 20})
        assert answer.status_code == 200, answer.text
        content = answer.json()
        found = {row["title"].split()[0] for row in content["recommendations"]}
        assert found == {words.get(content["bundle"], content["bundle"])}
        return str(content["bundle"])

    def go_on() -> set[str]:
        seen = set()
        while not is_over.is_set():
            seen.add(ask())
        return seen

    refused_before = count_refused(client)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(go_on)
        command = [sys.executable, "-m", "tests.inference.service.publishing"]
        command += [str(bundle.path), str(artifacts / "tiny" / "bundles"), str(KILLS)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        deadline = time.monotonic() + PATIENCE
        while done.returncode == 0 and ask() != done.stdout.strip():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        is_over.set()
        seen = asking.result()

    assert done.returncode == 0, done.stderr[-2000:]
    assert len(seen) > 2
    assert count_refused(client) == refused_before
