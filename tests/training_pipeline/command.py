"""The command as a user runs it, in a process of its own, and its config."""

import subprocess
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from feature_pipeline.entry import CONF

# A data set must have a config; the tiny store takes the place of the sample's.
DATASET = "sample"
SMALL = (
    "dataset=sample",
    "threads=1",
    "engine.threads=1",
    "tower.query=[8]",
    "tower.candidate=[8]",
    "retrieval.embedding_dim=4",
    "retrieval.epochs=3",
    "retrieval.learning_rate=0.02",
    "retrieval.batch_size=64",
    "retrieval.negatives.uniform=64",
    "ranker.candidates=12",
    "ranker.iterations=20",
    "ranker.depth=3",
)


def run_training(artifacts: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m training_pipeline` with small settings; later arguments win."""
    return subprocess.run(_compose(artifacts, *arguments), cwd=CONF.parent, capture_output=True, text=True)


def start_training(artifacts: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The same, without waiting for its end; what it says is lost."""
    silent = subprocess.DEVNULL
    return subprocess.Popen(_compose(artifacts, *arguments), cwd=CONF.parent, stdout=silent, stderr=silent)


def _compose(artifacts: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "training_pipeline", *SMALL, f"artifacts={artifacts}", *arguments]


def compose_train(*overrides: str) -> DictConfig:
    """The config as the command composes it."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))
