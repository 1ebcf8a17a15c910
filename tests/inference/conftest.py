"""Bundles, trained on the tiny store, plain and with pictures, once for all tests of inference."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import tensorflow as tf

from feature_pipeline.artefact import CURRENT, MANIFEST, compute_checksums
from feature_pipeline.splits import TEST
from inference.recommender import Recommender
from tests.inference.composed import compose_tiny
from tests.inference.illustrated import break_picture, write_illustrated_store
from tests.tiny_store import write_tiny_store
from training_pipeline import train as training
from training_pipeline.bundle import Bundle, open_bundle, open_current_bundle
from training_pipeline.retrieved import Retrieved, retrieve


@dataclass(frozen=True)
class Trained:
    """A training run: its bundle, and what training's own code makes of the published towers.

    Attributes:
        artifacts: where the bundle is published.
        bundle: it has a ranker.
        offline: candidates and ranking rows of all test queries at once.
    """

    artifacts: Path
    bundle: Bundle
    offline: Retrieved


def train_tiny(artifacts: Path) -> Bundle:
    """Trains on the live store with the real command's function."""
    with pytest.MonkeyPatch.context() as patch:
        # TensorFlow takes a number of threads only before its first use, which may have been another test.
        for setter in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
            patch.setattr(tf.config.threading, setter, lambda threads: None)
        bundle = training.train(compose_tiny("train", artifacts), artifacts / "run")
    assert bundle is not None
    return bundle


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trains, and notes the published towers on the way."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    write_tiny_store(artifacts)
    noted = []
    refit = training.refit_towers

    def refit_and_note(prepared, *arguments):
        noted.append((prepared, refit(prepared, *arguments)))
        return noted[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "refit_towers", refit_and_note)
        bundle = train_tiny(artifacts)
    prepared, towers = noted[-1]
    return Trained(artifacts, bundle, retrieve(prepared, towers, TEST, bundle.ranker_config))


@pytest.fixture(scope="session")
def bundle(trained: Trained) -> Bundle:
    assert trained.bundle.ranker is not None
    return trained.bundle


@pytest.fixture(scope="session")
def recommender(bundle: Bundle) -> Recommender:
    return Recommender(bundle)


@pytest.fixture(scope="session")
def unranked_artifacts(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the same bundle lies as it would have been published, had its ranker not earned its place."""
    artifacts = tmp_path_factory.mktemp("unranked")
    place = artifacts / "tiny" / "bundles" / bundle.id
    shutil.copytree(bundle.path, place)
    for file in ("ranker.cbm", "calibration.json"):
        (place / file).unlink()
    manifest = json.loads((place / MANIFEST).read_text())
    (place / MANIFEST).write_text(json.dumps(manifest | {"checksums": compute_checksums(place)}))
    (place.parent / CURRENT).write_text(bundle.id + "\n")
    return artifacts


@pytest.fixture(scope="session")
def unranked(unranked_artifacts: Path, bundle: Bundle) -> Bundle:
    return open_bundle(unranked_artifacts / "tiny" / "bundles" / bundle.id)


@pytest.fixture(scope="session")
def illustrated_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a bundle of items with texts and pictures is published; one picture's file is damaged since."""
    artifacts = tmp_path_factory.mktemp("illustrated")
    write_illustrated_store(artifacts)
    train_tiny(artifacts)
    break_picture(artifacts)
    return artifacts


@pytest.fixture(scope="session")
def illustrated(illustrated_artifacts: Path) -> Bundle:
    return open_current_bundle(illustrated_artifacts, "tiny")
