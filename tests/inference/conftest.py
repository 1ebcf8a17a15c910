"""One bundle, trained on the tiny store once for all tests of inference."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf

from inference.recommender import Recommender
from tests.inference.composed import compose_tiny
from tests.tiny_store import ENGINE, write_tiny_store
from training_pipeline import train as training
from training_pipeline.bundle import Bundle
from training_pipeline.ranking.rows import RankingRows


@dataclass(frozen=True)
class Trained:
    """A training run: its bundle, and the ranking rows it computed for each window."""

    artifacts: Path
    bundle: Bundle
    rows: list[tuple[pd.DataFrame, RankingRows]]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trains with the real command's function, and notes the ranking rows on the way."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    write_tiny_store(artifacts)
    noted = []
    build = training.build_ranking_rows

    def build_and_note(queries, *arguments):
        rows = build(queries, *arguments)
        noted.append((queries, rows))
        return rows

    with pytest.MonkeyPatch.context() as patch:
        # TensorFlow takes a number of threads only before its first use, which may have been another test.
        for setter in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
            patch.setattr(tf.config.threading, setter, lambda threads: None)
        patch.setattr(training, "build_ranking_rows", build_and_note)
        bundle = training.train(compose_tiny("train", artifacts), artifacts / "run")
    return Trained(artifacts, bundle, noted)


@pytest.fixture(scope="session")
def bundle(trained: Trained) -> Bundle:
    return trained.bundle


@pytest.fixture(scope="session")
def recommender(bundle: Bundle) -> Recommender:
    return Recommender(bundle, ENGINE)
