"""Waiting for a SQLite file that another process holds."""

import sqlite3
import time
from collections.abc import Callable

BUSY_SECONDS = 60.0

_PRIMARY_CODE = 0xFF  # SQLite says in the higher bits what exactly it waited for


def wait_while_busy(prepare: Callable[[], None]) -> None:
    """Runs `prepare`, again and again for up to a minute as long as the file is locked.

    SQLite's own timeout does not cover everything: processes that switch a new file to the write-ahead log
    together can deadlock, and SQLite then refuses one of them at once instead of waiting.

    Args:
        prepare: what to do; it must do no harm when done twice.

    Raises:
        sqlite3.Error: whatever `prepare` raises, the lock included once the time is over.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return prepare()
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
