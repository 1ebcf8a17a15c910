"""One gallery for all tests of the form, and a log of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from feature_pipeline.store import FeatureStore, open_current_store
from inference.form.answer_log import AnswerLog
from tests.inference.form.gallery import write_gallery


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of artefacts."""
    artifacts = tmp_path_factory.mktemp("gallery")
    write_gallery(artifacts)
    return artifacts


@pytest.fixture(scope="session")
def store(gallery: Path) -> FeatureStore:
    return open_current_store(gallery, "gallery")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AnswerLog]:
    opened = AnswerLog(tmp_path / "new folder" / "answers.sqlite")
    yield opened
    opened.close()
