"""A writer that is killed loses nothing that was acknowledged, and what it sends again is not doubled."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
KILLS = 20


@pytest.mark.slow
def test_twenty_kills_at_random_moments(url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.feature_pipeline.events.killing", url, str(tmp_path), str(KILLS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    killed, acknowledged = map(int, done.stdout.split())
    assert killed == KILLS
    assert acknowledged >= KILLS
