"""Opening the event log that a URL names."""

from pathlib import Path

from feature_pipeline.database_url import holds_password, is_postgres
from feature_pipeline.errors import UserError
from feature_pipeline.events.log import EventLog
from feature_pipeline.events.sqlite import SqliteLog

_SQLITE = "sqlite:///"


def is_there(url: str) -> bool:
    """Whether there is an event log to open; what a server holds shows when it is opened."""
    return is_postgres(url) or Path(url.removeprefix(_SQLITE)).exists()


def open_log(url: str) -> EventLog:
    """Opens an event log, and creates it where there is none.

    Args:
        url: a path, or `sqlite:///` and a path (so that an absolute one has four strokes), is a SQLite file;
            `postgresql://user@host:port/name` is a database on a PostgreSQL server.

    Raises:
        EventLogError: what is there is no event log, one of another version, or cannot be written.
        UserError: the URL is of another kind or holds a password, or PostgreSQL's driver is not installed.
    """
    if is_postgres(url):
        return _open_postgres(url)
    path = url.removeprefix(_SQLITE)
    if not path or "://" in path:
        raise UserError(
            f"event log {url!r}: expected the path of a SQLite file, sqlite:///PATH, or "
            "postgresql://user@host:port/name. Remedy: write it as one of these"
        )
    return SqliteLog(Path(path))


def _open_postgres(url: str) -> EventLog:
    if holds_password(url):
        raise UserError(
            "event log: expected a URL without a password, which messages would tell, found one. Remedy: "
            "take it out and give it by the environment variable PGPASSWORD or the file ~/.pgpass"
        )
    try:
        from feature_pipeline.events.postgres import PostgresLog
    except ImportError:
        raise UserError(
            f"{url}: an event log in PostgreSQL needs its driver. Remedy: pip install 'towerbridge[postgres]'"
        ) from None
    return PostgresLog(url)
