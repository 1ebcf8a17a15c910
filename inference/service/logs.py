"""Logs on stderr, one JSON object a line, without anything that a person has sent."""

import json
import logging
import os
import traceback
from datetime import UTC, datetime
from typing import Any

from feature_pipeline.errors import UserError

LOGGER = "inference.service"


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `event` (the message), `worker` (process id), and what `extra["fields"]` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": moment, "level": record.levelname.lower()}
        line |= {"event": record.getMessage(), "worker": os.getpid()}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = locate(record.exc_info[1])
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=True)


def describe(error: BaseException) -> str:
    """An error in the state of the service itself, such as a bundle or a log that cannot be read, in a line.

    A `UserError` says what to do. The message of any other might quote what somebody has sent, so that only
    its place is told.
    """
    return " ".join(str(error).split()) if isinstance(error, UserError) else locate(error)


def locate(error: BaseException) -> str:
    """What kind of error came up where, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    steps = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return " < ".join([type(error).__name__, *reversed(steps)])


def build_config() -> dict[str, Any]:
    """The logging of a process that answers; uvicorn's own lines take the same form.

    uvicorn's access log is off: it would tell addresses and whole URLs.
    """
    own = {"handlers": ["stderr"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {LOGGER: own, "uvicorn": own},
    }
