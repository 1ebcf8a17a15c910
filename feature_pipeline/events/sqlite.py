"""An event log in one SQLite file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from feature_pipeline.busy import BUSY_SECONDS, wait_while_busy
from feature_pipeline.events.log import EventLogError
from feature_pipeline.events.sql import COLUMNS, TABLE, VERSION, Cursor, SqlLog, check_version

# SQLite keeps two numbers in a file's header: whose file it is, and its layout.
_APPLICATION = int.from_bytes(b"twbr", "big")
# AUTOINCREMENT: else SQLite would give the number of a row that was deleted by hand to the next one, which a
# reader that is past it would miss.
_CREATE = (
    f"CREATE TABLE {TABLE} (sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
    f"event_id TEXT NOT NULL UNIQUE, {COLUMNS})",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit returns when it has reached the disk,
    "PRAGMA fullfsync = ON",  # which macOS promises only on this request
)


class SqliteLog(SqlLog):
    """Several processes of one machine may append to the file at once.

    It must lie on a local disk, since SQLite's write-ahead log needs memory shared by all its users.

    Args:
        path: the file. Where there is none it is created, with its folders, for its owner alone (mode 0600),
            as events are personal data; the files that SQLite puts beside it get its mode.

    Raises:
        EventLogError: it is no event log, one of another version, or cannot be written.
    """

    mark = "?"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path.resolve()
        with self._naming_errors(), ExitStack() as on_failure:
            create_private(self._path)
            self._connection = on_failure.enter_context(closing(_connect(self._path)))
            wait_while_busy(self._prepare)
            on_failure.pop_all()

    def close(self) -> None:
        """See `EventLog.close`."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Cursor]:
        with self._naming_errors(), closing(self._connection.cursor()) as cursor:
            yield cursor

    @contextmanager
    def _writing(self) -> Iterator[Cursor]:
        with self._reading() as cursor, self._transaction():
            yield cursor

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")  # waits for the one lock that all writers share
        with self._connection:
            yield

    def _prepare(self) -> None:
        if self._read_number("PRAGMA application_id") != _APPLICATION:
            self._create()
        check_version(str(self._path), self._read_number("PRAGMA user_version"))
        for setting in _SETTINGS:
            self._connection.execute(setting)

    def _create(self) -> None:
        with self._transaction():
            if self._read_number("PRAGMA application_id") == _APPLICATION:
                return  # another process was quicker
            if self._read_number("SELECT count(*) FROM sqlite_master"):
                raise EventLogError(
                    f"{self._path}: expected an event log, found a SQLite database of something else. "
                    "Remedy: name another file"
                )
            for statement in _CREATE:
                self._connection.execute(statement)

    def _read_number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise EventLogError(
                f"{self._path}: expected an event log in a SQLite file, found: {error}. "
                "Remedy: check the path, the right to write there, the free space and who else holds it, "
                "or name another file"
            ) from error


def create_private(path: Path) -> None:
    """Makes an empty file for SQLite to fill, which would else be readable as far as the umask lets it.

    A file that is there is not opened: closing it again would take away the locks that this process may hold
    on it through SQLite.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _connect(path: Path) -> sqlite3.Connection:
    """Without transactions that Python would begin by itself; `SqlLog` sees to it that threads take turns."""
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
