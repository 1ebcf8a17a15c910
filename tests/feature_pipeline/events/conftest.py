"""Places for event logs: a SQLite file, and a schema of a PostgreSQL server."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from feature_pipeline.events import EventLog, open_log
from tests.postgres_server import start_postgres

_NUMBERS = count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with start_postgres() as url:
        yield url


@pytest.fixture
def postgres(server: str) -> str:
    """URL that leads to an empty schema."""
    import psycopg

    schema = f"log_{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{server}&options=-csearch_path%3D{schema}"


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'events.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def log(url: str) -> Iterator[EventLog]:
    with open_log(url) as opened:
        yield opened
