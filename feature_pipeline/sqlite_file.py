"""A SQLite file that several processes of one machine write, and that keeps what it has acknowledged."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from feature_pipeline.busy import BUSY_SECONDS, wait_while_busy
from feature_pipeline.errors import UserError

DURABLE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit returns when it has reached the disk,
    "PRAGMA fullfsync = ON",  # which macOS promises only on this request
)


class SqliteFile:
    """Tables in one file; threads of a process share the object, each process opens its own.

    It must lie on a local disk, since SQLite's write-ahead log needs memory shared by all its users.

    Args:
        path: the file; see `create_private`.
        create: statements that make the tables; they must do no harm when done twice.
        explain: what to say about an error of SQLite or of the file system.

    Raises:
        UserError: as `explain` has it, here and in every method.
    """

    def __init__(self, path: Path, create: Sequence[str], explain: Callable[[Exception], UserError]) -> None:
        self._create = create
        self._explain = explain
        self._lock = Lock()  # one connection serves all threads
        with self._explaining(), ExitStack() as on_failure:
            create_private(path)
            self._connection = on_failure.enter_context(closing(connect(path)))
            wait_while_busy(self._prepare)
            on_failure.pop_all()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Runs one statement; returns its rows. What it wrote survives from then on."""
        with self._lock, self._explaining(), closing(self._connection.cursor()) as cursor:
            return cursor.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """A cursor whose statements count together or not at all, and beside which nobody else writes."""
        with self._lock, self._explaining(), closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")  # waits for the one lock that all writers share
            with self._connection:
                yield cursor

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        for statement in (*DURABLE, *self._create):
            self._connection.execute(statement)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._explain(error) from error


def create_private(path: Path) -> None:
    """Makes an empty file for SQLite to fill, with its folders, for its owner alone (mode 0600).

    SQLite would make it readable as far as the umask lets it; the files that it puts beside it get its mode.
    A file that is there is not opened: closing it again would take away the locks that this process may hold
    on it through SQLite.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """Without transactions that Python would begin by itself; the caller lets threads take turns."""
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
