"""One item in full, and others like it, in a window over the page."""

import streamlit as st

from feature_pipeline.errors import UserError
from inference.ui.cards import show_cards, show_like, show_picture
from inference.ui.markup import list_facts, say
from inference.ui.session import Session
from inference.ui.visit import Card

_BY = {"By what it is": "both", "By who chooses it": "tower"}


def show_details(session: Session) -> None:
    """Opens the window if a card is opened."""
    if session.visit.opened is not None:
        st.dialog("Details", width="medium", on_dismiss=session.visit.close)(_show)(session)


def _show(session: Session) -> None:
    card = session.visit.opened
    if card is None:
        return
    exhibit = session.gallery.exhibits.get(card.item_id, card.title)
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(key="opened"):
        show_picture(exhibit)
    with right:
        st.html(say(exhibit.title, "headline", "h1"))
        why = {"why": "\n".join(card.reasons)} if card.reasons else {}
        if facts := {**exhibit.facts, **exhibit.texts, **why}:
            st.html(list_facts(facts))
        show_like(session, card, "opened")
    _show_alike(session, card)


def _show_alike(session: Session, card: Card) -> None:
    st.html(say("Similar items", "heading", "h2"))
    by = _ask_by() if session.gallery.has_content else "tower"
    try:
        alike = session.finding.find_similar(card.item_id, by)
    except UserError as error:
        st.html(say(str(error), "quiet"))
        return
    show_cards(session, alike, "alike")


def _ask_by() -> str:
    """In what they are to be alike."""
    names = list(_BY)
    chosen = st.segmented_control(
        "Similar", names, default=names[0], required=True, label_visibility="collapsed"
    )
    return _BY[chosen]
