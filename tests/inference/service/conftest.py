"""The service on the tiny bundle, asked through FastAPI's test client."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from inference.service import model
from inference.service.app import create_app
from tests.inference.service.world import FutureRecommender, copy_bundle, make_settings
from training_pipeline.bundle import Bundle

Start = Callable[..., TestClient]


@pytest.fixture
def artifacts(bundle: Bundle, tmp_path: Path) -> Path:
    """Where a copy of the tiny bundle is published, for one test."""
    copy_bundle(bundle, tmp_path)
    return tmp_path


@pytest.fixture
def start(artifacts: Path) -> Iterator[Start]:
    """Starts a service on the test's copy; each call starts another, as a further worker would be."""
    with ExitStack() as started:

        def run(**settings: Any) -> TestClient:
            app = create_app(make_settings(artifacts, **settings), threading.Event())
            return started.enter_context(TestClient(app))

        yield run


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


@pytest.fixture
def future(monkeypatch: pytest.MonkeyPatch, start: Start) -> TestClient:
    """A service whose recommender can do all that it will be asked."""
    monkeypatch.setattr(model, "Recommender", FutureRecommender)
    return start()


@pytest.fixture(scope="session")
def reader(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One service for all tests that change nothing."""
    artifacts = tmp_path_factory.mktemp("reader")
    copy_bundle(bundle, artifacts)
    with TestClient(create_app(make_settings(artifacts), threading.Event())) as client:
        yield client


@pytest.fixture(scope="session")
def future_reader(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same, whose recommender can do all that it will be asked."""
    artifacts = tmp_path_factory.mktemp("future")
    copy_bundle(bundle, artifacts)
    with ExitStack() as started:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model, "Recommender", FutureRecommender)
            app = create_app(make_settings(artifacts), threading.Event())
            client = started.enter_context(TestClient(app))
        yield client
