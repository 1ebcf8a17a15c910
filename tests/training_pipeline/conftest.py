"""One tiny feature store for all tests of training, read and prepared once."""

from pathlib import Path

import pytest

from feature_pipeline.config import SplitConfig
from feature_pipeline.store import FeatureStore
from tests.tiny_store import ENGINE, write_tiny_store
from tests.training_pipeline.invented import MEAN
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared, prepare


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return write_tiny_store(Path(tmp_path_factory.mktemp("artifacts")))


@pytest.fixture(scope="session")
def prepared(store: FeatureStore) -> Prepared:
    return prepare(store, SplitConfig(name="temporal"), ENGINE, MEAN)


@pytest.fixture(scope="session")
def validation(prepared: Prepared) -> HeldOut:
    return prepared.build_held_out("validation")


@pytest.fixture(scope="session")
def tested(prepared: Prepared) -> HeldOut:
    return prepared.build_held_out("test")
