"""Schemathesis over the OpenAPI document: whatever it allows or forbids, the service does not fail."""

import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.event_tables import repeatable
from tests.inference.service.world import serve_copy

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
WITH_INPUT = [
    *((path, "POST") for path in ("/recommend", "/similar", "/search", "/events", "/items", "/users")),
    ("/items", "DELETE"),
    ("/history", "GET"),
]
WITHOUT = [(path, "GET") for path in ("/health", "/ready", "/version", "/metrics")]


@pytest.fixture(scope="module")
def changing(illustrated, tmp_path_factory):
    """A service that can search by texts and pictures, and that nobody else minds being changed."""
    with serve_copy(illustrated, tmp_path_factory.mktemp("openapi")) as client:
        yield client


@pytest.fixture(scope="module")
def document(changing):
    """The document of a service that is started already, which Schemathesis would do a second time."""

    async def run(scope, receive, send):
        if scope["type"] != "lifespan":
            await changing.app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    return schemathesis.openapi.from_asgi("/openapi.json", run)


@pytest.mark.parametrize(("path", "method"), WITH_INPUT + WITHOUT)
def test_what_it_allows(document, path, method):
    check(document[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))


@pytest.mark.parametrize(("path", "method"), WITH_INPUT)
def test_what_it_forbids(document, path, method):
    check(document[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))


def check(cases):
    @repeatable(max_examples=25)
    @given(cases)
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()
