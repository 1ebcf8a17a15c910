"""What a refused request is told: what was expected, what arrived, what to do. Never a stack trace."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from feature_pipeline.errors import UserError
from feature_pipeline.events import EventConflictError, EventLogError
from inference.ask import UnknownUserError
from inference.service.metrics import BUSY
from inference.service.pool import BusyError
from inference.service.registered import UserConflictError

RETRY_SECONDS = 1
_SHOWN_FAULTS = 5
# Keys come from whoever asks.
_LONGEST_PLACE = 100
_PARTS = ("body", "query", "header")


class UnknownItemError(UserError):
    """The model does not know the item that was asked about."""


class Refusal(BaseModel):
    """Why a request was not answered.

    Attributes:
        message: what was expected, what was found, and what to do.
        request_id: names the request in the service's logs.
    """

    message: str = Field(examples=["k: Input should be less than or equal to 1000"])
    request_id: str = Field(examples=["7f0c5a4be1b84f3f9d5e5b9d2f2c7a10"])


_MEANINGS = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    404: "The user or item is not known.",
    409: "An event_id or a user_id came again with other content; nothing was taken.",
    413: "The request is larger than the limit.",
    415: "The content type is none that is read here.",
    422: "A value is missing, unknown, of the wrong kind or out of bounds.",
    500: "The service has failed; its log knows more under the request_id.",
    503: "Too many requests, or the log cannot be written. Ask again after the seconds of Retry-After.",
}


def list_refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of an endpoint's errors."""
    return {status: {"model": Refusal, "description": _MEANINGS[status]} for status in (*statuses, 500)}


def refuse(
    request_id: str, status: int, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to a refused request."""
    # JSON can spell halves of characters that UTF-8 cannot.
    readable = message.encode("utf-8", "backslashreplace").decode()
    return JSONResponse(
        Refusal(message=readable, request_id=request_id).model_dump(), status, dict(headers or {})
    )


def register_errors(app: FastAPI) -> None:
    """Has every error answered in the one form."""

    def register(kind: type[Exception], status: int) -> None:
        async def answer(request: Request, error: Exception) -> JSONResponse:
            return _answer(request, status, str(error))

        app.add_exception_handler(kind, answer)

    register(UserError, 422)
    register(UnknownUserError, 404)
    register(UnknownItemError, 404)
    register(EventConflictError, 409)
    register(UserConflictError, 409)
    app.add_exception_handler(EventLogError, _answer_unwritable)
    app.add_exception_handler(BusyError, _answer_busy)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer_unwritable(request: Request, error: Exception) -> JSONResponse:
    """The operator's log has the place and the cause; whoever asks needs to know what to do."""
    message = "the log cannot be written or read now. Remedy: send the same again, unchanged"
    return _answer(request, 503, message, {"Retry-After": str(RETRY_SECONDS)})


async def _answer_busy(request: Request, error: Exception) -> JSONResponse:
    BUSY.inc()
    message = "too many requests wait here. Remedy: ask again after the seconds of Retry-After"
    return _answer(request, 503, message, {"Retry-After": str(RETRY_SECONDS)})


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return _answer(request, 422, describe_faults(error.errors()))


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, error.detail, error.headers)


def _answer(
    request: Request, status: int, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return refuse(request.state.request_id, status, message, headers)


def describe_faults(faults: Sequence[Mapping[str, Any]]) -> str:
    """A line about what pydantic has found, without the values: they may be a person's."""
    shown = [_describe_fault(fault) for fault in faults[:_SHOWN_FAULTS]]
    more = len(faults) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _describe_fault(fault: Mapping[str, Any]) -> str:
    loc = fault["loc"][1:] if fault["loc"] and fault["loc"][0] in _PARTS else fault["loc"]
    place = ".".join(map(str, loc))[:_LONGEST_PLACE] or "body"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"
