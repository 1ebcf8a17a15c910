"""Servers that share a socket: who is free answers."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config, Server

from inference.service import balance
from inference.service.balance import PoliteServer


class Slow:
    """Answers with its name, after as many seconds as the path says."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(float(scope["path"][1:]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body: Message = {"type": "http.response.body", "body": self._name}
        await send(body)


@contextmanager
def serve(*names: str) -> Iterator[int]:
    """Servers of these names on one port, each in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        servers = [PoliteServer(Config(Slow(name), lifespan="off", log_config=None)) for name in names]
        threads = [threading.Thread(target=server.run, args=([listening.dup()],)) for server in servers]
        for thread in threads:
            thread.start()
        try:
            while not all(server.started for server in servers):
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            for server in servers:
                server.should_exit = True
            for thread in threads:
                thread.join()


def ask(port: int, seconds: float, delay: float = 0.0) -> tuple[str, float]:
    """Who has answered, and when since the question."""
    time.sleep(delay)
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", f"/{seconds}")
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer, time.monotonic() - began


def ask_together(port: int, *asked: tuple[float, float]) -> list[tuple[str, float]]:
    """Several at once, each after its delay."""
    with ThreadPoolExecutor(len(asked)) as asking:
        return list(asking.map(lambda one: ask(port, *one), asked))


def test_two_that_come_together_are_answered_by_two() -> None:
    with serve("one", "other") as port:
        for _ in range(8):
            found = ask_together(port, (0.1, 0), (0.1, 0.02))
            assert {name for name, _ in found} == {"one", "other"}


def test_who_is_free_first_takes_what_waits() -> None:
    with serve("one", "other") as port:
        for _ in range(4):
            short, long, third = ask_together(port, (0.06, 0), (0.2, 0.01), (0.01, 0.02))
            assert third[0] == short[0] != long[0]


def test_one_alone_answers_one_after_the_other() -> None:
    with serve("one") as port:
        found = ask_together(port, (0.1, 0), (0.1, 0.02))
        assert found[1][1] > 0.15


def test_who_is_busy_for_long_takes_what_waits_all_the_same() -> None:
    with serve("one") as port:
        found = ask_together(port, (1.5, 0), (0.01, 0.05), (0.01, 0.05))
        assert max(seconds for _, seconds in found[1:]) < 1.0


def test_silence_keeps_nobody_waiting() -> None:
    with serve("one") as port, socket.create_connection(("127.0.0.1", port)):
        assert ask(port, 0)[1] < 1.0


def test_what_is_being_answered_is_finished() -> None:
    with ThreadPoolExecutor(1) as asking:
        with serve("one") as port:
            asked = asking.submit(ask, port, 0.5)
            time.sleep(0.2)
        assert asked.result()[0] == "one"


def test_goes_on_after_a_connection_that_could_not_be_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = asyncio.SelectorEventLoop.sock_accept, [OSError("too many open files")]

    async def accept(
        loop: asyncio.SelectorEventLoop, listening: socket.socket
    ) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return await real(loop, listening)

    monkeypatch.setattr(balance, "_RECOVER_SECONDS", 0.05)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_accept", accept)
    with serve("one") as port:
        assert ask(port, 0)[0] == "one"
    assert not failures


def test_uvicorns_own_would_accept_while_it_answers() -> None:
    """Why there is another: this one takes a second request at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(Config(Slow("one"), lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, args=([listening.dup()],))
        thread.start()
        found = ask_together(listening.getsockname()[1], (0.2, 0.3), (0.2, 0.32))
        server.should_exit = True
        thread.join()
    assert found[1][1] < 0.3
