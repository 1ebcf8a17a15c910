"""What answers the page, by the tiny bundle: the library, or a service over real HTTP in a thread."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvicorn

from inference.service.app import create_app
from inference.service.config import Settings
from inference.ui.backend import Backend
from inference.ui.gallery import Gallery
from inference.ui.library import Library
from inference.ui.service import Service
from tests.inference.service.world import copy_bundle, make_settings
from training_pipeline.bundle import Bundle

PATIENCE = 120


@contextmanager
def serve(settings: Settings) -> Iterator[str]:
    """Runs a service in a thread; gives its URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config = uvicorn.Config(create_app(settings, threading.Event()), log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + PATIENCE
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def artifacts(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a copy of the tiny bundle is published, with logs of its own."""
    place = tmp_path_factory.mktemp("page")
    copy_bundle(bundle, place)
    return place


@pytest.fixture(scope="module")
def library(artifacts: Path) -> Iterator[Backend]:
    with closing(Library(make_settings(artifacts))) as backend:
        yield backend


@pytest.fixture(scope="module")
def service(artifacts: Path) -> Iterator[Backend]:
    with serve(make_settings(artifacts)) as url, closing(Service(url)) as backend:
        yield backend


@pytest.fixture(params=["library", "service"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Either of them, on the same logs."""
    found: Backend = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def gallery(bundle: Bundle) -> Gallery:
    return Gallery(bundle)
