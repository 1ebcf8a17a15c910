"""Logs of changes: who came, and which items came and went, each in one SQLite file."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from feature_pipeline.busy import BUSY_SECONDS, wait_while_busy
from feature_pipeline.events.log import EventLogError
from feature_pipeline.events.sqlite import create_private

_SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON")
# The column is called after the first log that there was, so that its files are read on.
_CREATE = (
    "CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
    "kind TEXT NOT NULL, items TEXT NOT NULL)"
)
_APPEND = "INSERT INTO changes (kind, items) SELECT ?, ?"
_LAST = "(SELECT coalesce(max(sequence), 0) FROM changes)"


@dataclass(frozen=True)
class Change:
    """Users or items that came, or items that went, together.

    Attributes:
        kind: which of the two.
        rows: what came or went, as JSON has it: users with `user_id` and `profile`; items with `item_id` and,
            of those that came, `title` and `features`.
    """

    kind: Literal["add", "remove"]
    rows: Sequence[Mapping[str, Any]]


class ChangeLog:
    """Changes in their order, none of which is ever taken out.

    Several processes of one machine may append and follow.

    Args:
        path: the file; created with its folders, for its owner alone, where there is none.
        setting: what names the file in the config, for messages.

    Raises:
        EventLogError: it cannot be read or written.
    """

    def __init__(self, path: Path, setting: str) -> None:
        self._path = path
        self._setting = setting
        self._lock = Lock()  # one connection serves all threads
        try:
            create_private(path)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            wait_while_busy(self._prepare)
        except (OSError, sqlite3.Error) as error:
            raise self._explain(error) from error

    def append(self, change: Change) -> int:
        """Appends a change, which survives from then on; returns its sequence number."""
        return int(self._execute(f"{_APPEND} RETURNING sequence", _to_row(change))[0][0])

    def append_after(self, last: int, change: Change) -> bool:
        """Appends a change unless the log has gone on since, and returns whether it did.

        So whoever checks a change against all that the log has is not overtaken by another who does.

        Args:
            last: sequence number of the last change that was read, 0 for none.
            change: to append.
        """
        sql = f"{_APPEND} WHERE {_LAST} = ? RETURNING sequence"
        return bool(self._execute(sql, (*_to_row(change), last)))

    def read(self, after: int = 0) -> list[tuple[int, Change]]:
        """The changes after one, with their sequence numbers, which rise."""
        sql = "SELECT sequence, kind, items FROM changes WHERE sequence > ? ORDER BY sequence"
        return [
            (number, Change(kind, json.loads(rows))) for number, kind, rows in self._execute(sql, (after,))
        ]

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        for statement in (*_SETTINGS, _CREATE):
            self._connection.execute(statement)

    def _execute(self, sql: str, values: Sequence[Any]) -> list[Any]:
        try:
            with self._lock, closing(self._connection.cursor()) as cursor:
                return cursor.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> EventLogError:
        return EventLogError(
            f"{self._path}: expected a log of changes in a SQLite file, found: {error}. Remedy: check the "
            f"path, the right to write there and the free space, or name another file by {self._setting}"
        )


def _to_row(change: Change) -> tuple[str, str]:
    return change.kind, json.dumps(list(change.rows), ensure_ascii=False, allow_nan=False)
