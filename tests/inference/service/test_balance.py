"""Who is answered while others wait behind comes again on another connection."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from inference.service.balance import Balance


class Slow:
    """Answers each request when it is told to."""

    def __init__(self) -> None:
        self.told = {"first": asyncio.Event(), "second": asyncio.Event()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.told[scope["path"]].wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def answer(order: list[str]) -> dict[str, list[tuple[bytes, bytes]]]:
    """The headers of two requests that came together, when they are answered in this order."""

    async def ask() -> dict[str, list[tuple[bytes, bytes]]]:
        slow, headers = Slow(), {}
        balance = Balance(slow)

        async def run(path: str) -> None:
            async def receive() -> Message:
                raise AssertionError

            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers[path] = list(message["headers"])

            await balance({"type": "http", "path": path}, receive, send)

        running = {path: asyncio.create_task(run(path)) for path in slow.told}
        await asyncio.sleep(0)
        for path in order:
            slow.told[path].set()
            await running[path]
        return headers

    return asyncio.run(ask())


def test_the_last_keeps_its_connection() -> None:
    close = [(b"connection", b"close")]
    assert answer(["first", "second"]) == {"first": close, "second": []}
    assert answer(["second", "first"]) == {"second": close, "first": []}


def test_what_fails_is_waited_for_no_more() -> None:
    async def ask() -> list[tuple[bytes, bytes]]:
        headers: list[tuple[bytes, bytes]] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "fails":
                raise RuntimeError
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def receive() -> Message:
            raise AssertionError

        async def send(message: Message) -> None:
            headers.extend(message["headers"])

        balance = Balance(app)
        for path in ("fails", "works"):
            try:
                await balance({"type": "http", "path": path}, receive, send)
            except RuntimeError:
                assert path == "fails"
        return headers

    assert asyncio.run(ask()) == []
