"""An event log in two tables of a PostgreSQL database; needs the extra `postgres`."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg
from psycopg.rows import TupleRow

from feature_pipeline.busy import BUSY_SECONDS
from feature_pipeline.events.log import EventLogError
from feature_pipeline.events.sql import COLUMNS, TABLE, VERSION, Cursor, SqlLog, check_version

# PostgreSQL gives out sequence numbers before it commits. Without a lock a row could appear after one of a
# higher number, and a reader that is past it would miss it. The table itself is not locked: appends would
# then wait for the server's own cleaning.
_LOCK = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'twbr', 'big')})"
_FIND = f"SELECT to_regclass('{TABLE}_version') IS NOT NULL"
# Order "C" is by bytes: an update of the system's languages would break an index in the order of one of them,
# and it is this index that keeps an event from standing twice.
_CREATE = (
    f"CREATE TABLE {TABLE} (sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    f'event_id TEXT COLLATE "C" NOT NULL UNIQUE, {COLUMNS})',
    f"CREATE TABLE {TABLE}_version AS SELECT {VERSION} AS version",
)
# A server may be set to answer before a commit is on its disk. And no writer may keep the others waiting for
# ever, as one would whose machine was cut off.
_SETTINGS = f"""
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET lock_timeout = '{BUSY_SECONDS:.0f}s';
    SET idle_in_transaction_session_timeout = '{BUSY_SECONDS:.0f}s'
"""


class PostgresLog(SqlLog):
    """Several processes of any machines may append at once.

    Tables that do not exist are created, in the first schema of the search path. A connection that broke is
    opened again by the next call.

    Args:
        url: `postgresql://user@host:port/name`, without a password: libpq takes it from PGPASSWORD or
            ~/.pgpass.

    Raises:
        EventLogError: no such server or database, no right to read and write, or a log of another version.
    """

    mark = "%s"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        with self._naming_errors():
            self._connection = self._connect()

    def close(self) -> None:
        """See `EventLog.close`."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Cursor]:
        with self._naming_errors():
            if self._connection.broken:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                yield cursor

    @contextmanager
    def _writing(self) -> Iterator[Cursor]:
        with self._reading() as cursor, self._connection.transaction():
            cursor.execute(_LOCK)
            yield cursor

    def _connect(self) -> psycopg.Connection[TupleRow]:
        with ExitStack() as on_failure:
            opened = psycopg.connect(self._url, autocommit=True, client_encoding="utf8")
            connection = on_failure.enter_context(closing(opened))
            # Above this level an append would not see what was written while it waited for the lock.
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(_SETTINGS)
            self._check_encoding(connection)
            with connection.transaction():
                self._prepare(connection)
            on_failure.pop_all()
        return connection

    def _check_encoding(self, connection: psycopg.Connection[TupleRow]) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise EventLogError(
                f"{self._url}: expected a database in UTF8, which holds any id, found {encoding}. "
                "Remedy: create one with ENCODING 'UTF8' TEMPLATE template0"
            )

    def _prepare(self, connection: psycopg.Connection[TupleRow]) -> None:
        connection.execute(_LOCK)
        ((exists,),) = connection.execute(_FIND)
        if not exists:
            for statement in _CREATE:
                connection.execute(statement)
        ((version,),) = connection.execute(f"SELECT version FROM {TABLE}_version")
        check_version(self._url, version)

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            found = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise EventLogError(
                f"{self._url}: expected a PostgreSQL database with an event log, found: {found}. Remedy: "
                "check the URL, that the server runs, and the right to create tables; a password comes from "
                "PGPASSWORD or ~/.pgpass"
            ) from error
