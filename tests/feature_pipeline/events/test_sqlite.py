"""What is particular to the event log in a SQLite file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest

from feature_pipeline import sqlite_file
from feature_pipeline.events import EventLogError
from feature_pipeline.events.sqlite import SqliteLog
from tests.feature_pipeline.events.invented import make_event

REMEDY = (
    "Remedy: check the path, the right to write there, the free space and who else holds it, "
    "or name another file"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def refuse(path: Path) -> str:
    with pytest.raises(EventLogError) as error:
        SqliteLog(path)
    return str(error.value)


@pytest.mark.usefixtures("open_umask")
def test_the_files_are_for_their_owner_alone(path: Path) -> None:
    with SqliteLog(path) as log:
        log.append([make_event(1)])

        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    assert modes == dict.fromkeys(["events.sqlite", "events.sqlite-wal", "events.sqlite-shm"], 0o600)


def test_a_commit_is_on_the_disk(path: Path) -> None:
    with SqliteLog(path) as log:
        pragmas = [
            log._read_number(f"PRAGMA {name}") for name in ("synchronous", "fullfsync", "busy_timeout")
        ]
        mode = log._connection.execute("PRAGMA journal_mode").fetchone()

    assert pragmas == [2, 1, 60_000]
    assert mode == ("wal",)


@pytest.mark.parametrize("content", [b"hello", b"no database" * 1000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert refuse(path) == (
        f"{path}: expected an event log in a SQLite file, found: file is not a database. {REMEDY}"
    )
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_place_that_holds_no_file_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path) == (
        f"{tmp_path}: expected an event log in a SQLite file, found: unable to open database file. {REMEDY}"
    )
    (tmp_path / "file").touch()
    assert "File exists" in refuse(tmp_path / "file" / "events.sqlite")


def test_a_database_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE embeddings (vector BLOB)")
        connection.execute("PRAGMA user_version = 1")
    before = path.read_bytes()

    assert refuse(path) == (
        f"{path}: expected an event log, found a SQLite database of something else. Remedy: name another file"
    )
    assert path.read_bytes() == before


def test_another_version_is_refused(path: Path) -> None:
    SqliteLog(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")

    assert refuse(path) == (
        f"{path}: expected an event log of version 1, found version 7. "
        "Remedy: open it with the towerbridge that wrote it, or name another place"
    )


def test_an_empty_file_becomes_a_log(path: Path) -> None:
    path.touch()

    with SqliteLog(path) as log:
        assert log.append([make_event(1)]) == 1


def test_a_log_that_another_creates_at_the_same_moment_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = SqliteLog._create

    def create_after_another(log: SqliteLog) -> None:
        monkeypatch.setattr(SqliteLog, "_create", create)
        with SqliteLog(path) as other:
            other.append([make_event(1)])
        create(log)

    monkeypatch.setattr(SqliteLog, "_create", create_after_another)
    with SqliteLog(path) as log:
        assert log.count() == 1


def test_a_log_that_another_prepares_is_waited_for(path: Path) -> None:
    # SQLite itself does not wait here, where it would switch to the write-ahead log.
    SqliteLog(path).close()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        Timer(0.2, other.execute, ["COMMIT"]).start()

        with SqliteLog(path) as log:
            assert log.append([make_event(1)]) == 1


def test_a_file_that_another_holds_for_long_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    with SqliteLog(path) as log, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EventLogError, match=r"found: database is locked\. Remedy: .* who else holds it"):
            log.append([make_event(1)])
        other.execute("ROLLBACK")

        assert log.append([make_event(1)]) == 1


def test_a_full_disk_takes_nothing_of_the_call(path: Path) -> None:
    many = [make_event(number, user_id="u" * 500) for number in range(200)]
    with SqliteLog(path) as log:
        log.append([make_event("first")])
        pages = log._read_number("PRAGMA page_count")
        log._connection.execute(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(EventLogError, match=r"found: database or disk is full\. Remedy: .* free space"):
            log.append(many)
        assert log.count() == 1
        log._connection.execute("PRAGMA max_page_count = 100000")

        assert log.append(many) == 200


def test_the_number_of_a_deleted_row_is_not_given_out_again(path: Path) -> None:
    with SqliteLog(path) as log:
        log.append([make_event(1), make_event(2)])
        (_, (last, _)) = log.read()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("DELETE FROM towerbridge_events WHERE event_id = '2'")
        log.append([make_event(3)])

        assert [event.event_id for _, event in log.read(after=last)] == ["3"]
