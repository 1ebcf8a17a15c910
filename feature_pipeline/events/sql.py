"""An event log in a table of a database: what SQLite and PostgreSQL have in common."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, Protocol

from feature_pipeline.events.event import Event, from_microseconds, to_microseconds
from feature_pipeline.events.log import EventLog, EventLogError, check_same

VERSION = 1
TABLE = "towerbridge_events"

# What follows `sequence` and `event_id`; event_time is in microseconds since 1970 UTC.
COLUMNS = """
    user_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_time BIGINT NOT NULL,
    bundle TEXT,
    position INTEGER,
    provenance TEXT NOT NULL,
    session TEXT,
    undoes TEXT
"""

_FIELDS = tuple(Event.model_fields)
_NAMES = ", ".join(_FIELDS)
_IDS_PER_QUERY = 500  # SQLite builds allow at least 999 parameters


class Cursor(Protocol):
    """What the cursors of sqlite3 and psycopg have in common."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Runs one statement; returns the cursor."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Runs the statement with each row of parameters."""


class SqlLog(EventLog):
    """The log's algorithm; a database adds how to open it, to read and to write alone.

    Attributes:
        mark: what stands for a parameter in the database's SQL.
    """

    mark: str

    def __init__(self) -> None:
        self._lock = Lock()  # one connection serves all threads

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Cursor]:
        """A cursor whose errors become EventLogError."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Cursor]:
        """The same in a transaction that no other writer runs beside, on this machine or any other.

        So an append sees all that earlier ones wrote, and sequence numbers are committed in their order.
        """

    def append(self, events: Sequence[Event]) -> int:
        """See `EventLog.append`."""
        sent = _merge(events)
        with self._lock, self._writing() as cursor:
            known = self._find(cursor, list(sent))
            for earlier in known:
                check_same(earlier, sent.pop(earlier.event_id))
            marks = ", ".join([self.mark] * len(_FIELDS))
            rows = [_to_row(event) for event in sent.values()]
            cursor.executemany(f"INSERT INTO {TABLE} ({_NAMES}) VALUES ({marks})", rows)
        return len(rows)

    def read(self, after: int = 0, limit: int | None = None) -> list[tuple[int, Event]]:
        """See `EventLog.read`."""
        if limit is not None and limit < 1:
            raise ValueError(f"limit: expected at least 1, or None for all, found {limit}")
        sql = f"SELECT sequence, {_NAMES} FROM {TABLE} WHERE sequence > {self.mark} ORDER BY sequence"
        bound = "" if limit is None else f" LIMIT {limit:d}"
        with self._lock, self._reading() as cursor:
            rows = cursor.execute(sql + bound, (after,)).fetchall()
        return [(sequence, _from_row(row)) for sequence, *row in rows]

    def count(self) -> int:
        """See `EventLog.count`."""
        with self._lock, self._reading() as cursor:
            return int(cursor.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0])

    def _find(self, cursor: Cursor, event_ids: Sequence[str]) -> list[Event]:
        found = []
        for start in range(0, len(event_ids), _IDS_PER_QUERY):
            ids = event_ids[start : start + _IDS_PER_QUERY]
            marks = ", ".join([self.mark] * len(ids))
            found += cursor.execute(
                f"SELECT {_NAMES} FROM {TABLE} WHERE event_id IN ({marks})", ids
            ).fetchall()
        return [_from_row(row) for row in found]


def check_version(place: str, found: int) -> None:
    """Raises EventLogError when the log at `place` was written by another version of this code."""
    if found != VERSION:
        raise EventLogError(
            f"{place}: expected an event log of version {VERSION}, found version {found}. "
            "Remedy: open it with the towerbridge that wrote it, or name another place"
        )


def _merge(events: Iterable[Event]) -> dict[str, Event]:
    """The events by id, in order, each once."""
    merged: dict[str, Event] = {}
    for event in events:
        check_same(merged.setdefault(event.event_id, event), event)
    return merged


def _to_row(event: Event) -> tuple[Any, ...]:
    values = dict(event) | {"event_time": to_microseconds(event.event_time)}
    return tuple(values[field] for field in _FIELDS)


def _from_row(row: Sequence[Any]) -> Event:
    values = dict(zip(_FIELDS, row, strict=True))
    return Event(**values | {"event_time": from_microseconds(values["event_time"])})
