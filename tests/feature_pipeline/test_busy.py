"""Waiting for a locked SQLite file ends when it is free, or when it took too long."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from feature_pipeline import busy


@pytest.fixture
def lock(tmp_path: Path) -> Callable[[], None]:
    """What fails as SQLite does where a file is locked."""
    path = tmp_path / "file.sqlite"

    def take_twice() -> None:
        with closing(sqlite3.connect(path)) as first, closing(sqlite3.connect(path, timeout=0)) as second:
            first.execute("BEGIN EXCLUSIVE")
            second.execute("BEGIN EXCLUSIVE")

    return take_twice


def test_it_tries_until_the_file_is_free(lock: Callable[[], None]) -> None:
    tries = []

    def prepare() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            lock()

    busy.wait_while_busy(prepare)

    assert tries == [0, 1, 2]


def test_it_gives_up_in_the_end(lock: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy, "BUSY_SECONDS", 0.03)

    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        busy.wait_while_busy(lock)


def test_other_errors_are_not_waited_for(tmp_path: Path) -> None:
    tries = []

    def prepare() -> None:
        tries.append(1)
        sqlite3.connect(tmp_path)

    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        busy.wait_while_busy(prepare)
    assert tries == [1]
