"""What answers the page, by the tiny bundle: the library, or a service over real HTTP in a thread."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from inference.service.app import create_app
from inference.ui.backend import Backend
from inference.ui.gallery import Gallery
from inference.ui.library import Library
from inference.ui.service import Service
from tests.inference.answering import answer_on_a_port
from tests.inference.service.world import copy_bundle, make_settings
from training_pipeline.bundle import Bundle


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
    with (
        answer_on_a_port(create_app(make_settings(artifacts), threading.Event())) as url,
        closing(Service(url)) as backend,
    ):
        yield backend


@pytest.fixture(params=["library", "service"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Either of them, on the same logs."""
    found: Backend = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def gallery(bundle: Bundle) -> Gallery:
    return Gallery(bundle)
