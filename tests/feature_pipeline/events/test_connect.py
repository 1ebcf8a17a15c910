"""Which log a URL opens, and what is said of URLs that open none."""

import sys
from pathlib import Path

import pytest

from feature_pipeline.errors import UserError
from feature_pipeline.events import open_log
from feature_pipeline.events.sqlite import SqliteLog
from tests.feature_pipeline.events.invented import make_event


def refuse(url: str) -> str:
    with pytest.raises(UserError) as error:
        open_log(url)
    return str(error.value)


def test_a_path_and_a_url_open_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_log("new/events.sqlite") as log:
        assert isinstance(log, SqliteLog)
        log.append([make_event(1)])

    for url in ("sqlite:///new/events.sqlite", f"sqlite:///{tmp_path}/new/events.sqlite"):
        with open_log(url) as log:
            assert log.count() == 1


@pytest.mark.parametrize("url", ["", "sqlite:///", "sqlite://events.sqlite", "mysql://host/db"])
def test_other_urls_are_refused(url: str) -> None:
    assert refuse(url) == (
        f"event log {url!r}: expected the path of a SQLite file, sqlite:///PATH, or "
        "postgresql://user@host:port/name. Remedy: write it as one of these"
    )


@pytest.mark.parametrize("url", ["postgresql://me:s3cret@host/db", "postgres://host/db?password=s3cret"])
def test_a_password_is_refused_and_not_told(url: str) -> None:
    assert refuse(url) == (
        "event log: expected a URL without a password, which messages would tell, found one. Remedy: "
        "take it out and give it by the environment variable PGPASSWORD or the file ~/.pgpass"
    )


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "feature_pipeline.events.postgres", raising=False)

    assert refuse("postgresql://host/db") == (
        "postgresql://host/db: an event log in PostgreSQL needs its driver. "
        "Remedy: pip install 'towerbridge[postgres]'"
    )
