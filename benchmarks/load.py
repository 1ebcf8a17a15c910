"""Load over HTTP: closed loops, which ask again when answered, and open ones, which do not wait."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np

_TIMEOUT_SECONDS = 30
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
        note: told each answer.

    Returns:
        Seconds until the last answer.
    """

    async def ask_all() -> float:
        async with _open_client() as client:

            async def ask_on() -> None:
                while goes_on():
                    note(await _ask(client, url, next(bodies), time.perf_counter()))

            began = time.perf_counter()
            await asyncio.gather(*(ask_on() for _ in range(concurrency)))
            return time.perf_counter() - began

    return asyncio.run(ask_all())


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

    async def ask_all() -> list[Answer]:
        async with _open_client() as client:
            began = time.perf_counter()
            asking = []
            for due in began + np.cumsum(gaps):
                await asyncio.sleep(due - time.perf_counter())
                asking.append(asyncio.create_task(_ask(client, url, next(bodies), due)))
            return await asyncio.gather(*asking)

    return asyncio.run(ask_all())


def _open_client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, limits=httpx2.Limits(), trust_env=False)


async def _ask(client: httpx2.AsyncClient, url: str, body: Body, due: float) -> Answer:
    try:
        answer = await client.post(url, json=body)
        status, content = answer.status_code, json.loads(answer.content)
    except (httpx2.HTTPError, ValueError):
        status, content = 0, None
    return Answer(body, status, content, time.perf_counter() - due)
