"""A form whose process is killed loses no answer that it has acknowledged, and doubles none."""

import subprocess
import sys

import pytest

from feature_pipeline.entry import CONF

KILLS = 10


@pytest.mark.slow
def test_ten_kills_at_random_moments(tmp_path):
    path = tmp_path / "answers.sqlite"
    done = subprocess.run(
        [sys.executable, "-m", "tests.inference.form.killing", str(path), str(tmp_path), str(KILLS)],
        cwd=CONF.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= KILLS
