"""The page's answers by a running service, over HTTP."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event
from inference.served import ServiceError
from inference.service.answers import (
    Appended,
    Embedded,
    Findings,
    History,
    Ready,
    Recommendations,
    Registration,
)
from inference.service.requests import AskBody, RecommendBody, SearchForm, SimilarBody, UsersBody
from inference.ui.backend import Backend

_SECONDS = 30
# A service that does not answer does not get one request after another that waits so long.
_CONNECT_SECONDS = 3

Answer = TypeVar("Answer", bound=BaseModel)


class Service(Backend):
    """Asks a service.

    Args:
        url: as `http://127.0.0.1:8000`.
        token: what writers must show there; None where anybody may write.
        transport: another way than the network, for tests.
    """

    def __init__(
        self, url: str, token: str | None = None, transport: httpx2.BaseTransport | None = None
    ) -> None:
        self._url = url.rstrip("/")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        timeout = httpx2.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
        # No proxy of the environment: the service is on this machine, or near it.
        self._client = httpx2.Client(timeout=timeout, headers=headers, transport=transport, trust_env=False)

    def name_bundle(self) -> str:
        """See `Backend`."""
        return self._ask(Ready, "GET", "/ready").bundle

    def recommend(self, body: RecommendBody) -> Recommendations:
        """See `Backend`."""
        return self._post(Recommendations, "/recommend", body)

    def embed(self, body: AskBody) -> Embedded:
        """See `Backend`."""
        return self._post(Embedded, "/embed", body)

    def similar(self, body: SimilarBody) -> Findings:
        """See `Backend`."""
        return self._post(Findings, "/similar", body)

    def search(self, body: SearchForm, image: bytes | None) -> Findings:
        """See `Backend`."""
        if image is None:
            return self._post(Findings, "/search", body)
        fields = {"k": str(body.k), "filters": json.dumps(body.filters)}
        if body.text is not None:
            fields["text"] = body.text
        return self._ask(Findings, "POST", "/search", data=fields, files={"image": ("picture", image)})

    def get_history(self, user_id: str, limit: int) -> History:
        """See `Backend`."""
        return self._ask(History, "GET", "/history", params={"user_id": user_id, "limit": limit})

    def register(self, body: UsersBody) -> Registration:
        """See `Backend`."""
        return self._post(Registration, "/users", body)

    def append(self, events: Sequence[Event]) -> Appended:
        """See `Backend`."""
        content = {"events": [event.model_dump(mode="json") for event in events]}
        return self._ask(Appended, "POST", "/events", json=content)

    def close(self) -> None:
        """See `Backend`."""
        self._client.close()

    def _post(self, kind: type[Answer], path: str, body: BaseModel) -> Answer:
        return self._ask(kind, "POST", path, json=body.model_dump(mode="json", exclude_none=True))

    def _ask(self, kind: type[Answer], method: str, path: str, **content: Any) -> Answer:
        try:
            answer = self._client.request(method, self._url + path, **content)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServiceError(
                f"{self._url}: expected a service that answers, found: {error}. "
                "Remedy: start one by make serve, or correct the URL, as http://127.0.0.1:8000"
            ) from None
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise ServiceError(f"{self._url}{path}: {_read_refusal(answer)}")
        if answer.status_code != httpx2.codes.OK:
            raise UserError(_read_refusal(answer))
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError:
            raise ServiceError(
                f"{self._url}{path}: expected an answer of a towerbridge service, found another. "
                "Remedy: give the URL of one, of the same version"
            ) from None


def _read_refusal(answer: httpx2.Response) -> str:
    """What the service says, in its own words where it is one of ours."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"expected an answer, found status {answer.status_code}. Remedy: look into the service's log"
