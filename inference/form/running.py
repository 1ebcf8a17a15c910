"""Streamlit, started on loopback."""

import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from feature_pipeline.errors import UserError

HOST = "127.0.0.1"

_APP = Path(__file__).with_name("app.py")
_OPTIONS = {
    "server.address": HOST,
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",  # participants see that something failed, the log says what
    "theme.base": "light",
    "theme.primaryColor": "#33566b",
    "theme.textColor": "#20262b",
    "theme.backgroundColor": "#f7f6f3",
    "theme.secondaryBackgroundColor": "#ffffff",
}


def find_port(asked: int) -> int:
    """The port that was asked for, or any free one for 0.

    Raises:
        UserError: another process has it.
    """
    try:
        with closing(socket.create_server((HOST, asked))) as free:
            return int(free.getsockname()[1])
    except OSError as error:
        raise UserError(
            f"form.port: expected a free port, found that {asked} is not: {error.strerror}. "
            "Remedy: PORT=0 for any free one"
        ) from error


def become_app(port: int) -> NoReturn:
    """Puts Streamlit in the place of this process; it prints the page's address once it answers there."""
    options = [f"--{name}={value}" for name, value in {**_OPTIONS, "server.port": port}.items()]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(_APP), *options])
