"""Somebody new says who they are and what they like, and becomes a user."""

import uuid
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from feature_pipeline.errors import UserError
from feature_pipeline.schema import FeatureSpec
from inference.service.requests import NewUser, UsersBody
from inference.ui.backend import Backend
from inference.ui.cards import show_card
from inference.ui.gallery import Gallery
from inference.ui.journal import Journal
from inference.ui.markup import escape_label, name_column, say
from inference.ui.running import Place
from inference.ui.session import enter

_NEWCOMER = "newcomer"
_ASKED = ("categorical", "numeric", "timestamp", "text")
_PICKS = 8
# Among so many of the most popular items those are looked for that differ most.
_POPULAR = 100


def show_newcomer(place: Place, gallery: Gallery) -> None:
    """Shows the form."""
    st.html(say("Say something of yourself, like a few things, or both.", "lead"))
    people, picks = gallery.people, choose_picks(gallery)
    with st.form("introduction", border=False):
        asked = [spec for spec in people.specs if spec.kind in _ASKED]
        with st.container(key="fields"):
            profile = {spec.name: _ask(spec, people.users[spec.name]) for spec in asked}
        st.html(say("Do you like any of these?", "heading", "h2"))
        liked = _ask_likes(gallery, picks)
        if st.form_submit_button("Show me what I may like", type="primary"):
            _come(place.backend, {name: value for name, value in profile.items() if value}, liked)


class Newcomer:
    """Somebody who is about to become a user; a second time, they become the same one.

    Args:
        backend: keeps who they are.

    Attributes:
        user_id: the id that they will have.
    """

    def __init__(self, backend: Backend) -> None:
        self.user_id = f"visitor-{uuid.uuid4().hex[:12]}"
        self._backend = backend
        self._journal = Journal(self.user_id, backend.append)

    def register(self, profile: dict[str, Any], liked: list[str]) -> None:
        """Makes a user of them.

        Args:
            profile: what they say, by column of the users.
            liked: items by id.

        Raises:
            UserError: nothing was said; or see `Backend.register` and `Backend.append`.
        """
        if not profile and not liked:
            raise UserError("Nothing said and nothing liked yet. Fill in a field, or like an item.")
        user = NewUser(user_id=self.user_id, profile=profile)
        answer = self._backend.register(UsersBody(users=[user]))
        for item_id in liked:
            # Nobody ranked what they chose from: it has no position.
            self._journal.note(f"like {item_id}", "like", item_id, answer.bundle, None)
        self._journal.write()


def choose_picks(gallery: Gallery) -> list[str]:
    """Popular items that are as unlike each other as can be: each the farthest from those before."""
    popular = list(gallery.people.popularity.index[:_POPULAR])
    spots = np.asarray(gallery.bundle.item_embeddings[gallery.exhibits.find(popular)], np.float64)
    chosen, distance = [0], np.linalg.norm(spots - spots[0], axis=1)
    while len(chosen) < min(_PICKS, len(popular)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(spots - spots[chosen[-1]], axis=1))
    return [popular[place] for place in chosen]


def _come(backend: Backend, profile: dict[str, Any], liked: list[str]) -> None:
    # The button may be pressed twice before the page has gone on.
    if _NEWCOMER not in st.session_state:
        st.session_state[_NEWCOMER] = Newcomer(backend)
    newcomer: Newcomer = st.session_state[_NEWCOMER]
    try:
        newcomer.register(profile, liked)
    except UserError as error:
        st.html(say(str(error), "trouble"))
        return
    enter(newcomer.user_id)
    st.rerun()


def _ask(spec: FeatureSpec, values: pd.Series) -> Any:
    """One field; None or nothing where it is left open."""
    label, key = escape_label(name_column(spec.name)), f"profile-{spec.name}"
    if spec.kind == "numeric":
        return _ask_number(label, values, key)
    if spec.kind == "categorical":
        counts = values.explode().dropna().value_counts()
        return st.multiselect(label, sorted(counts.index), key=key, placeholder="Any")
    if spec.kind == "text":
        return st.text_area(label, key=key, max_chars=2000).strip() or None
    day = st.date_input(label, None, key=key, min_value=values.min(), max_value=values.max())
    return None if day is None else day.isoformat()


def _ask_number(label: str, values: pd.Series, key: str) -> float | int | None:
    known = values.dropna()
    is_whole = bool((known == known.round()).all())
    return st.number_input(label, value=None, step=1 if is_whole else None, key=key, placeholder="Not said")


def _ask_likes(gallery: Gallery, picks: list[str]) -> list[str]:
    liked = []
    with st.container(key="picks"):
        for number, item_id in enumerate(picks):

            def ask(item_id: str = item_id, number: int = number) -> None:
                if st.checkbox("I like it", key=f"pick-{number}"):
                    liked.append(item_id)

            show_card(gallery.exhibits.get(item_id), (), f"pick-{number}", ask)
    return liked
