"""A build that is killed leaves the previous feature store as it was, and the next build succeeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from feature_pipeline.entry import CONF

KILLS = 20

# Runs apart from pytest, whose threads would not survive a fork; a fork spares importing everything again.
SCRIPT = """
import os, random, signal, sys, time
from pathlib import Path

import pandas as pd

from feature_pipeline.build import build_features
from feature_pipeline.store import open_current_store
from tests.feature_pipeline.shop import compose_shop, draw_events, write_config, write_shop

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
events = draw_events(3000, seed=1)
config = write_config(folder, folder / "raw")


def build(number_of_events):
    write_shop(folder / "raw", events.iloc[:number_of_events])
    child = os.fork()
    if child:
        return child
    build_features(compose_shop(config, folder / "artifacts"))
    os._exit(0)


def finish(child):
    assert os.waitpid(child, 0)[1] == 0, "the build failed"
    return open_current_store(folder / "artifacts", "shop")


began = time.monotonic()
store = finish(build(2000))
usual = time.monotonic() - began
draw = random.Random(0)
attempts = killed = 0
while killed < kills:
    attempts += 1
    child = build(2000 + attempts)
    time.sleep(draw.uniform(0, usual))
    os.kill(child, signal.SIGKILL)
    if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
        killed += 1
    else:
        usual *= 0.9  # quicker than its killer: the first build, which set the time, also warmed up
    found = open_current_store(folder / "artifacts", "shop")
    rows = found.read_table("interactions")
    assert found.id == store.id or len(rows) == 2000 + attempts, (found.id, len(rows))
    store = found
last = finish(build(len(events)))
assert len(last.read_table("interactions")) == len(events)
print(last.id)
"""


@pytest.mark.slow
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(CONF.parent)},
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    live = tmp_path / "artifacts" / "shop" / "features"
    assert (live / "current").read_text().strip() == done.stdout.strip()
