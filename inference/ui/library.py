"""The page's answers by the library in this process, with the service's own logs and hot reload."""

import threading
from collections.abc import Sequence

from fastapi import HTTPException

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event
from inference.service import embed, events, history, recommend, search, similar, users
from inference.service.answers import Appended, Embedded, Findings, History, Recommendations, Registration
from inference.service.config import Settings
from inference.service.model import Model
from inference.service.requests import AskBody, RecommendBody, SearchForm, SimilarBody, UsersBody
from inference.service.state import State
from inference.ui.backend import Backend


class Library(Backend):
    """Opens what a process of the service opens, and answers by the same functions.

    Args:
        settings: as of the service.

    Raises:
        UserError: there is no bundle that can be opened, or a log cannot be.
    """

    def __init__(self, settings: Settings) -> None:
        self._state = State(settings, threading.Event())

    def name_bundle(self) -> str:
        """See `Backend`."""
        return self._model.id

    def recommend(self, body: RecommendBody) -> Recommendations:
        """See `Backend`."""
        return recommend.answer(self._model, body)

    def embed(self, body: AskBody) -> Embedded:
        """See `Backend`."""
        return embed.answer(self._model, body)

    def similar(self, body: SimilarBody) -> Findings:
        """See `Backend`."""
        return similar.answer(self._model, body)

    def search(self, body: SearchForm, image: bytes | None) -> Findings:
        """See `Backend`."""
        try:
            return search.answer(self._model, body, image, self._state.limits)
        except HTTPException as refusal:
            raise UserError(refusal.detail) from None

    def get_history(self, user_id: str, limit: int) -> History:
        """See `Backend`."""
        return history.answer(self._model, user_id, limit)

    def register(self, body: UsersBody) -> Registration:
        """See `Backend`."""
        return users.register(self._model, self._state.live, body)

    def append(self, events_: Sequence[Event]) -> Appended:
        """See `Backend`."""
        return events.append(self._model, self._state.live, events_)

    def close(self) -> None:
        """See `Backend`."""
        self._state.close()

    @property
    def _model(self) -> Model:
        return self._state.live.model
