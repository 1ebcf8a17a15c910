"""Streamlit's server, without what belongs to people who write pages and not to those who use them."""

import socket
from pathlib import Path

from streamlit.web import cli

from feature_pipeline.errors import UserError
from inference.ui.config import PageConfig

PAGE = Path(__file__).with_name("page.py")
_MEGABYTE = 1_000_000

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
    # After each run it would go through all objects of a process that holds a whole bundle, which takes as
    # long as all else together.
    "runner.postScriptGC": "false",
    "logger.enableRich": "false",
    "theme.base": "light",
    "theme.primaryColor": "#7a3b2e",
    "theme.backgroundColor": "#fbfaf7",
    "theme.secondaryBackgroundColor": "#f1eee7",
    "theme.textColor": "#23211e",
    "theme.borderColor": "#ddd8cd",
    "theme.baseRadius": "3px",
    "theme.baseFontSize": "15",
}


def serve(config: PageConfig, upload_bytes: int) -> None:
    """Shows the page until SIGINT or SIGTERM, and says on stdout where.

    Args:
        config: where.
        upload_bytes: of a picture that is searched by.

    Raises:
        UserError: the port is taken.
    """
    _check_free(config)
    options = _OPTIONS | {
        "server.address": config.host,
        "server.port": str(config.port),
        "server.maxUploadSize": str(max(1, upload_bytes // _MEGABYTE)),
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    cli.main(["run", str(PAGE), *arguments], standalone_mode=False)


def _check_free(config: PageConfig) -> None:
    try:
        socket.create_server((config.host, config.port)).close()
    except OSError as error:
        raise UserError(
            f"ui: expected to listen on {config.host}:{config.port}, found: {error.strerror}. "
            "Remedy: give another one, as PORT=8502"
        ) from None
