"""Spreads connections over the processes that answer.

A connection stays with the process that has accepted it, and the next request may find this one busy while
another idles. So an answer that others wait behind closes its connection: the client opens a new one, which
an idle process accepts first.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Balance:
    """Surrounds the service; see the module.

    Args:
        app: the service.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and self._answering > 1:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        self._answering += 1
        try:
            await self._app(scope, receive, send_on)
        finally:
            self._answering -= 1
