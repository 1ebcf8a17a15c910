"""Every request has an id, a line in the log, its time in the metrics, and an answer even to a failure."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference.service.errors import refuse
from inference.service.logs import locate
from inference.service.metrics import REQUESTS, SECONDS

HEADER = "X-Request-ID"

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"})
_FAILED = 500

_log = logging.getLogger(__name__)


class Trace:
    """Surrounds the service; see the module.

    Args:
        app: the service.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = _choose_id(Headers(scope=scope).get(HEADER))
        statuses: list[int] = []

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        error = ""
        try:
            await self._app(scope, receive, send_named)
        except Exception as failure:
            error = locate(failure)
            if statuses:
                raise
            message = "the service has failed. Remedy: give the request_id to those who run it"
            await refuse(request_id, _FAILED, message)(scope, receive, send_named)
        finally:
            _note(scope, statuses[0] if statuses else _FAILED, time.perf_counter() - started, error)


def _choose_id(given: str | None) -> str:
    """The client's, if it can do no harm in a log; else a new one."""
    return given if given and _SANE.fullmatch(given) else uuid.uuid4().hex


def _note(scope: Scope, status: int, seconds: float, error: str) -> None:
    """Neither address nor query: the path alone where it is one of ours."""
    route = getattr(scope.get("route"), "path", "unknown")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)
    fields = {
        "request_id": scope["state"]["request_id"],
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    if "bundle" in scope["state"]:
        fields["bundle"] = scope["state"]["bundle"]
    if error:
        fields["error"] = error
    _log.log(logging.ERROR if error else logging.INFO, "request", extra={"fields": fields})
