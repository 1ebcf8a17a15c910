"""What belongs to one visitor between reruns. Who they are stands in the address: a reload keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import streamlit as st

from feature_pipeline.errors import UserError
from inference.ui.backend import Backend
from inference.ui.finding import Finding
from inference.ui.gallery import Gallery
from inference.ui.running import Place
from inference.ui.visit import Visit

_SESSION = "session"
_TROUBLE = "trouble"
_USER = "user"


@dataclass
class Session:
    """One visitor's visit.

    Attributes:
        visit: what they see and do.
        finding: what they look for.
        gallery: the bundle as it is shown.
        backend: answers.
    """

    visit: Visit
    finding: Finding
    gallery: Gallery
    backend: Backend


def find_session(place: Place) -> Session | None:
    """The visit of the user whom the address names; None where it names none."""
    user_id = st.query_params.get(_USER)
    if user_id is None:
        return None
    session: Session | None = st.session_state.get(_SESSION)
    if session is None or session.visit.user_id != user_id:
        visit = Visit(place.backend, user_id)
        session = Session(visit, Finding(place.backend), place.open_gallery(), place.backend)
        st.session_state[_SESSION] = session
    session.gallery = place.open_gallery()
    return session


def enter(user_id: str) -> None:
    """Goes on as a user."""
    _forget()
    st.query_params[_USER] = user_id


def leave() -> None:
    """Goes back to the choice of a user."""
    _forget()
    st.query_params.clear()


def attempt(act: Callable[..., None]) -> Callable[..., None]:
    """Makes an act fit for a widget's callback: what went wrong is said by `tell_trouble`, not raised."""

    @wraps(act)
    def guarded(*arguments: Any) -> None:
        try:
            act(*arguments)
        except UserError as error:
            st.session_state[_TROUBLE] = str(error)

    return guarded


def take_trouble() -> str | None:
    """What went wrong in the last callback, once."""
    trouble: str | None = st.session_state.pop(_TROUBLE, None)
    return trouble


def _forget() -> None:
    for key in list(st.session_state):
        del st.session_state[key]
