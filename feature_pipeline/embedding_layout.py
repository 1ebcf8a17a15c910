"""The tables of the embedding cache, and how files of earlier layouts become files of this one."""

import sqlite3

from feature_pipeline.busy import wait_while_busy

# Layout 0 had no used_day and no encoders. The file keeps its number in SQLite's `user_version`.
_LAYOUT = 1

_CREATE_EMBEDDINGS = """
    CREATE TABLE IF NOT EXISTS embeddings (
        encoder_id TEXT NOT NULL,
        content_sha256 TEXT NOT NULL,
        vector BLOB NOT NULL,
        used_day INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (encoder_id, content_sha256)
    )
"""
_CREATE_ENCODERS = """
    CREATE TABLE IF NOT EXISTS encoders (encoder_id TEXT PRIMARY KEY, dimension INTEGER NOT NULL)
"""


def bring_up_to_date(connection: sqlite3.Connection, today: int) -> None:
    """Makes a new or an earlier file one of this layout; several processes may try at once.

    Args:
        connection: to the file.
        today: day that counts as the last use of entries of a file that did not note it.

    Raises:
        sqlite3.DatabaseError: the file is no database, cannot be written, or is of a later layout.
    """

    def prepare() -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        if _read_layout(connection) != _LAYOUT:
            _change_layout(connection, today)

    wait_while_busy(prepare)


def _change_layout(connection: sqlite3.Connection, today: int) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        layout = _read_layout(connection)  # again: another process may have been quicker
        if layout > _LAYOUT:
            raise sqlite3.DatabaseError(f"layout {layout} of a later version, where this one knows {_LAYOUT}")
        connection.execute(_CREATE_EMBEDDINGS)
        connection.execute(_CREATE_ENCODERS)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(embeddings)")]
        if "used_day" not in columns:
            connection.execute("ALTER TABLE embeddings ADD COLUMN used_day INTEGER NOT NULL DEFAULT 0")
            connection.execute("UPDATE embeddings SET used_day = ?", (today,))
        connection.execute(f"PRAGMA user_version = {_LAYOUT}")


def _read_layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
