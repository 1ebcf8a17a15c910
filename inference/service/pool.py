"""A bounded pool: work that blocks, done by a few threads, with a few more requests waiting and no others."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class BusyError(Exception):
    """As many requests wait as may."""


class Pool:
    """Threads that do blocking work.

    Args:
        threads: how many work at once.
        queue: how much work may wait for them.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="pool")
        self._places = threading.BoundedSemaphore(threads + queue)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, done in a thread of the pool.

        Raises:
            BusyError: all places are taken. Ask again a little later.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            future = self._executor.submit(work)
        except RuntimeError:  # it is closed
            self._places.release()
            raise BusyError from None
        # Not after the await: whoever waits may give up, while the thread still works.
        future.add_done_callback(lambda done: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Waits for what is being done."""
        self._executor.shutdown()
