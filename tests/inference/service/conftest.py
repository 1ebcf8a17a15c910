"""The service on the tiny bundle, asked through FastAPI's test client."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from inference.service.app import create_app
from tests.inference.service.world import copy_bundle, make_settings, serve_copy
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


@pytest.fixture(scope="session")
def reader(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One service for all tests that change nothing."""
    with serve_copy(bundle, tmp_path_factory.mktemp("reader")) as client:
        yield client


@pytest.fixture(scope="session")
def illustrated_reader(illustrated: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same on items whose texts and pictures encoders have read, so that new ones can be searched by."""
    with serve_copy(illustrated, tmp_path_factory.mktemp("illustrated_reader")) as client:
        yield client
