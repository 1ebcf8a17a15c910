"""A PostgreSQL server that the tests start themselves; it listens on a Unix socket alone."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def find_server() -> str | None:
    """The folder of initdb and pg_ctl, whether on the path or where Debian puts them."""
    found = shutil.which("initdb")
    return str(Path(found).resolve().parent) if found else None


def find_unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(filter(names.__contains__, ("postgres", "nobody")), None) if os.getuid() == 0 else None


@contextmanager
def start_postgres() -> Iterator[str]:
    """URL of the empty database of a fresh server; skips the test where there is no PostgreSQL."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    tools = find_server()
    if tools is None:
        pytest.skip("PostgreSQL's initdb is not on the PATH")
    user = find_unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path may have 100 characters only
    if user:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)

    run(
        f"{tools}/initdb", "--pgdata=data", "--username=owner", "--auth=trust", "--no-sync", "--encoding=UTF8"
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(f"{tools}/pg_ctl", "--pgdata=data", "--log=log", f"--options={options}", "--wait", "start")
    try:
        yield f"postgresql://owner@/postgres?host={folder}"
    finally:
        run(f"{tools}/pg_ctl", "--pgdata=data", "--mode=immediate", "stop")
        shutil.rmtree(folder)
