"""A thousand bad requests: each refused, none a failure, and no memory kept."""

import gc
from itertools import islice
from pathlib import Path

import pytest

from tests.inference.service.bad import make_bad

pytestmark = pytest.mark.slow

REQUESTS = 1000
MOST_KEPT = 48 * 2**20  # bytes
PAGE = 4096


def measure_memory() -> int:
    """Bytes of this process, in which the service runs, that are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def ask_badly(client, seed: int, count: int) -> None:
    for bad in islice(make_bad(seed), count):
        answer = client.request(bad.method, bad.path, **bad.content)
        assert 400 <= answer.status_code < 500, (bad.kind, answer.status_code, answer.text)
        assert answer.json()["message"], bad.kind


def test_a_thousand_bad_requests(reader):
    body = {"user_id": "user-00", "k": 5}
    good = reader.post("/recommend", json=body).json()
    ask_badly(reader, seed=0, count=300)  # by which caches are filled, which are bounded
    before = measure_memory()

    ask_badly(reader, seed=1, count=REQUESTS)

    assert measure_memory() - before < MOST_KEPT
    assert reader.post("/recommend", json=body).json() == good
    assert reader.get("/health").status_code == 200
