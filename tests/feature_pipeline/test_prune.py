"""`python -m feature_pipeline.prune`: what it says on stdout, and what it refuses."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from feature_pipeline.config import ConfigError
from feature_pipeline.embedding_cache import EmbeddingCache, find_cache
from feature_pipeline.entry import CONF
from feature_pipeline.prune import main

VECTOR = np.ones(500, np.float32)


def fill_cache(artifacts: Path) -> EmbeddingCache:
    """Three entries of 40 days ago and one of today."""
    old = EmbeddingCache(find_cache(artifacts), date.today() - timedelta(days=40))
    old.put_many("e", {"a": VECTOR, "b": VECTOR, "c": VECTOR})
    cache = EmbeddingCache(old.path)
    cache.put_many("e", {"d": VECTOR})
    return cache


def test_the_command_says_what_it_removed(tmp_path: Path) -> None:
    cache = fill_cache(tmp_path)
    command = [sys.executable, "-m", "feature_pipeline.prune", "days=30", f"artifacts={tmp_path}"]
    environment = os.environ | {"PYTHONPATH": str(CONF.parent)}

    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("3 entries removed, ")
    assert list(cache.get_many("e", "abcd")) == ["d"]


def test_less_than_so_many_days_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill_cache(tmp_path)

    main(OmegaConf.create({"artifacts": str(tmp_path), "days": 40}))

    assert capsys.readouterr().out.startswith("0 entries removed, 0 bytes freed, ")


def test_no_cache_is_no_error_and_none_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(OmegaConf.create({"artifacts": str(tmp_path), "days": 30}))

    assert capsys.readouterr().out == f"no cache at {tmp_path}/cache/embeddings.sqlite\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("days", [-1, "soon", 1.5, True, None])
def test_days_must_be_a_whole_number(tmp_path: Path, days: object) -> None:
    fill_cache(tmp_path)

    with pytest.raises(ConfigError) as error:
        main(OmegaConf.create({"artifacts": str(tmp_path), "days": days}))

    assert str(error.value) == f"days: expected a whole number, 0 or more, found {days!r}"
