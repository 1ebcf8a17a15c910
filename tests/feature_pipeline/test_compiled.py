"""Compiled loops say what Python says of the same loops, and are kept for the next process."""

import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from feature_pipeline.compiled import compiled, compiled_in_any_order

SOURCE = """
import numpy as np
from feature_pipeline.compiled import compiled

@compiled
def add(values):
    total = 0
    for value in values:
        total += value
    return total

assert add(np.arange(5)) == 10
print(sum(add.stats.cache_hits.values()))
"""


def add_up(values: np.ndarray) -> float:
    total = np.float32(0)
    for value in values:
        total += value
    return total


def divide(values: np.ndarray) -> np.ndarray:
    return 1 / values


def test_adds_in_order_to_the_last_bit():
    values = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    assert compiled(add_up)(values) == add_up(values)


@pytest.mark.parametrize("count", [0, 1, 7, 100, 384])
def test_another_order_gives_nearly_the_same_and_always_the_same(count: int):
    rng = np.random.default_rng(count)
    beside = rng.normal(size=count + 50).astype(np.float32)
    fast = compiled_in_any_order(add_up)
    numbers, found = np.linspace(-1, 2, count), set()
    # Wherever the numbers lie, and whatever lies beside them.
    for place in range(50):
        values = beside.copy()
        values[place : place + count] = numbers
        found.add(float(fast(values[place : place + count])))
    assert len(found) == 1
    assert found.pop() == pytest.approx(numbers.sum(), abs=1e-3)


def test_divides_as_numpy_does():
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(compiled(divide)(np.array([2.0, 0.0])), [0.5, np.inf])


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(add_up)
    assert compiled(add_up)(np.ones(3, np.float32)) == 3


def test_the_next_process_finds_it_compiled(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(SOURCE)
    runs = [
        subprocess.run(
            [sys.executable, str(script)], env={"PYTHONPATH": "."}, check=True, text=True, capture_output=True
        )
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in runs] == ["0", "1"]
