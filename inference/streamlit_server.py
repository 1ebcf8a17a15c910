"""Streamlit's server, without what belongs to people who write pages and not to those who use them."""

import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from streamlit.web import cli

from feature_pipeline.errors import UserError

_OPTIONS = {
    "server.headless": "true",
    # Files of the program do not change while it runs, and thousands would be watched.
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    # What went wrong stands in the log; a page open to others must not tell the program's paths.
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "runner.magicEnabled": "false",
    # Else a click would be taken up by a second thread while the first still works on what both change.
    "runner.fastReruns": "false",
    # After each run it would go through all objects of a process that may hold a whole bundle, which takes as
    # long as all else together.
    "runner.postScriptGC": "false",
    "logger.enableRich": "false",
    "theme.base": "light",
}


def serve(script: Path, host: str, port: int, further: Mapping[str, str]) -> None:
    """Shows a page until SIGINT or SIGTERM, and says on stdout where.

    Args:
        script: runs anew at every touch.
        host: the address it listens on.
        port: of the same; 0 for any free one.
        further: options of Streamlit's, such as the colours.

    Raises:
        UserError: the port is taken.
    """
    place = {"server.address": host, "server.port": str(find_port(host, port))}
    arguments = [f"--{name}={value}" for name, value in (_OPTIONS | place | dict(further)).items()]
    cli.main(["run", str(script), *arguments], standalone_mode=False)


def find_port(host: str, asked: int) -> int:
    """The port that was asked for, or any free one for 0.

    Raises:
        UserError: another process has it, or the address is not of this machine.
    """
    try:
        with closing(socket.create_server((host, asked))) as free:
            return int(free.getsockname()[1])
    except OSError as error:
        raise UserError(
            f"expected to listen on {host}:{asked}, found: {error.strerror}. "
            "Remedy: give another port, as PORT=8510, or PORT=0 for any free one"
        ) from None
