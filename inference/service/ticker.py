"""A thread that does one thing again and again."""

import logging
import threading
from collections.abc import Callable

from inference.service.logs import describe

_log = logging.getLogger(__name__)


class Ticker:
    """Does `task` every `seconds`, and at once when `wake` is set, until it is stopped.

    A task that fails is logged, once until it succeeds again, and done again at the next time.

    Args:
        name: for the log.
        task: what to do.
        seconds: how long to wait in between.
        wake: set by whoever does not want to wait so long.
    """

    def __init__(self, name: str, task: Callable[[], None], seconds: float, wake: threading.Event) -> None:
        self._name = name
        self._task = task
        self._seconds = seconds
        self._wake = wake
        self._is_stopped = False
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Waits until what is being done is done."""
        self._is_stopped = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopped:
            self._try()
            self._wake.wait(self._seconds)
            self._wake.clear()

    def _try(self) -> None:
        try:
            self._task()
            self._has_failed = False
        except Exception as error:
            if not self._has_failed:
                _log.error("failing", extra={"fields": {"task": self._name, "error": describe(error)}})
            self._has_failed = True
