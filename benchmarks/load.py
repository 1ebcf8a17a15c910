"""Load over HTTP: closed loops, which ask again when answered, and open ones, which do not wait.

Who asks stands on the machine that answers: so it does as little as it can, by the standard library's client,
and reads what an answer says only after its time is taken.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import numpy as np

_TIMEOUT_SECONDS = 30
# An unused connection the service closes after five.
_IDLE_SECONDS = 2
_MOST_AT_ONCE = 256
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    Attributes:
        body: what was asked.
        status: of HTTP; 0 where nothing came back.
        content: the answer's JSON; None where nothing came back.
        seconds: from when it was due to be sent until all of its answer was there.
    """

    body: Body
    status: int
    content: Any
    seconds: float


class Asker:
    """Posts to one address, by one connection as long as that is kept open.

    Args:
        url: where to post.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
        self._used = time.perf_counter()

    def ask(self, body: Body, due: float) -> Answer:
        """One request that was due at a moment of `time.perf_counter`."""
        status, content = 0, b""
        if time.perf_counter() - self._used > _IDLE_SECONDS:
            self.close()
        try:
            self._connection.request(
                "POST", self._path, json.dumps(body), {"Content-Type": "application/json"}
            )
            answer = self._connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, HTTPException):
            self.close()
        self._used = time.perf_counter()
        seconds = self._used - due
        with suppress(ValueError):
            return Answer(body, status, json.loads(content), seconds)
        return Answer(body, 0, None, seconds)

    def close(self) -> None:
        """Ends the connection; the next request opens another."""
        self._connection.close()


def ask_closed(
    url: str,
    bodies: Iterator[Body],
    concurrency: int,
    goes_on: Callable[[], bool],
    note: Callable[[Answer], None],
) -> float:
    """Has some askers ask again and again, each as soon as it is answered.

    Args:
        url: where to post.
        bodies: what to ask, without end.
        concurrency: how many ask at once.
        goes_on: asked before each request.
        note: told each answer, one after the other.

    Returns:
        Seconds until the last answer.
    """
    turn = threading.Lock()

    def ask_on() -> None:
        asker = Asker(url)
        while True:
            with turn:
                if not goes_on():
                    break
                body = next(bodies)
            answer = asker.ask(body, time.perf_counter())
            with turn:
                note(answer)
        asker.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as askers:
        for asking in [askers.submit(ask_on) for _ in range(concurrency)]:
            asking.result()
    return time.perf_counter() - began


def ask_open(url: str, bodies: Iterator[Body], rate: float, seconds: float) -> list[Answer]:
    """Sends requests at random moments (a Poisson process), whether or not those before are answered.

    A request that is sent late, as this process was held up, counts from when it was due.

    Args:
        url: where to post.
        bodies: what to ask, without end.
        rate: requests a second on average.
        seconds: how long.
    """
    gaps = np.random.default_rng(0).exponential(1 / rate, round(rate * seconds))
    own = threading.local()

    def ask(body: Body, due: float) -> Answer:
        if not hasattr(own, "asker"):
            own.asker = Asker(url)
        answer: Answer = own.asker.ask(body, due)
        return answer

    # As many threads as there are requests on their way, and no more.
    with ThreadPoolExecutor(_MOST_AT_ONCE) as askers:
        asking = []
        for due in time.perf_counter() + np.cumsum(gaps):
            time.sleep(max(due - time.perf_counter(), 0))
            asking.append(askers.submit(ask, next(bodies), due))
        return [answer.result() for answer in asking]
