"""Bodies of bounded size: nothing behind this sees more of a request than the limit."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference.service.errors import refuse


class BodyLimit:
    """Reads a request's body whole before anything else does, and refuses one that is too large with 413.

    Args:
        app: the service.
        body_bytes: the limit.
    """

    def __init__(self, app: ASGIApp, body_bytes: int) -> None:
        self._app = app
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = None if self._is_announced_too_large(scope) else await self._read(receive)
        if body is None:
            limit = f"{self._body_bytes:,} bytes"
            message = f"expected a body of at most {limit}, found more. Remedy: send less at once"
            # The rest is not read, so that nothing more can be asked on this connection.
            refusal = refuse(scope["state"]["request_id"], 413, message, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, replay, send)

    def _is_announced_too_large(self, scope: Scope) -> bool:
        announced = Headers(scope=scope).get("content-length", "")
        return announced.isdecimal() and int(announced[:20]) > self._body_bytes

    async def _read(self, receive: Receive) -> bytes | None:
        """The body; None where it is too large."""
        body = bytearray()
        while len(body) <= self._body_bytes:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                return bytes(body) if len(body) <= self._body_bytes else None
        return None
