"""The item log: which items were added and removed while the service ran, in one SQLite file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from feature_pipeline.events import EventLogError
from feature_pipeline.sqlite_file import SqliteFile

_CREATE = (
    "CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
    "kind TEXT NOT NULL, items TEXT NOT NULL)"
)


@dataclass(frozen=True)
class Change:
    """Items that were added, or removed, together.

    Attributes:
        kind: which of the two.
        items: rows with `item_id` and, of added items, `title` and the declared features as JSON has them.
    """

    kind: Literal["add", "remove"]
    items: Sequence[Mapping[str, Any]]


class ItemLog:
    """Changes of the catalogue in their order; several processes of one machine may append and follow.

    Args:
        path: the file; created with its folders where there is none.

    Raises:
        EventLogError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SqliteFile(path, [_CREATE], self._explain)

    def append(self, change: Change) -> int:
        """Appends a change, which survives from then on; returns its sequence number."""
        items = json.dumps(list(change.items), ensure_ascii=False, allow_nan=False)
        sql = "INSERT INTO changes (kind, items) VALUES (?, ?) RETURNING sequence"
        return int(self._file.execute(sql, (change.kind, items))[0][0])

    def read(self, after: int = 0) -> list[tuple[int, Change]]:
        """The changes after one, with their sequence numbers, which rise."""
        sql = "SELECT sequence, kind, items FROM changes WHERE sequence > ? ORDER BY sequence"
        return [
            (number, Change(kind, json.loads(items)))
            for number, kind, items in self._file.execute(sql, (after,))
        ]

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _explain(self, error: Exception) -> EventLogError:
        return EventLogError(
            f"{self._path}: expected an item log in a SQLite file, found: {error}. Remedy: check the path, "
            "the right to write there and the free space, or name another file by serve.items"
        )
