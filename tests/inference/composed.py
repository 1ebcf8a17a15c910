"""Configs as a command would compose them."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from feature_pipeline.entry import CONF

# Towers that have hardly learned, so that the ranker, which reads nearly every item, earns its place.
TINY_RUN = (
    "dataset.name=tiny",
    "seed=7",
    "threads=1",
    "engine.threads=1",
    "query.length=5",
    "tower.query=[8]",
    "tower.candidate=[8]",
    "retrieval.embedding_dim=8",
    "retrieval.batch_size=64",
    "retrieval.negatives.uniform=64",
    "retrieval.epochs=3",
    "retrieval.learning_rate=0.001",
    "ranker.candidates=25",
    "ranker.negatives=10",
    "ranker.iterations=60",
    "ranker.learning_rate=0.3",
    "ranker.depth=3",
)


def compose_config(name: str, *overrides: str) -> DictConfig:
    """The entry config `conf/<name>.yaml` with overrides."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, list(overrides))


def compose_tiny(name: str, artifacts: Path, *overrides: str) -> DictConfig:
    """The same for the tiny data set and its small models."""
    return compose_config(name, f"artifacts={artifacts}", *TINY_RUN, *overrides)
