"""A grid of cards."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from inference.ui.exhibit import Exhibit
from inference.ui.markup import caption, draw_placeholder
from inference.ui.session import Session, attempt
from inference.ui.visit import Card


def show_cards(session: Session, cards: Sequence[Card], key: str) -> None:
    """Cards with picture, title, facts and reasons, which can be opened and liked.

    Args:
        session: whose cards they are.
        cards: what to show.
        key: of the grid; the style tells how wide it is.
    """
    with st.container(key=key):
        for card in cards:
            exhibit = session.gallery.exhibits.get(card.item_id, card.title)
            show_card(exhibit, card.reasons, card.id, partial(show_acts, session, card))


def show_card(exhibit: Exhibit, reasons: Sequence[str], key: str, show_below: Callable[[], None]) -> None:
    """One card; `show_below` shows what stands under it."""
    with st.container(key=f"card-{key}"):
        show_picture(exhibit)
        st.html(caption(exhibit, reasons))
        with st.container(key=f"acts-{key}", horizontal=True):
            show_below()


def show_picture(exhibit: Exhibit) -> None:
    """The picture, or what stands in its place."""
    picture = exhibit.read_picture()
    if picture is None:
        st.html(draw_placeholder(exhibit))
    else:
        st.image(picture, width="stretch", alt=exhibit.title)


def show_acts(session: Session, card: Card) -> None:
    """What can be done with a card."""
    opened = attempt(session.visit.open)
    st.button("Details", key=f"open-{card.id}", on_click=opened, args=(card,), type="tertiary")
    show_like(session, card, "card")


def show_like(session: Session, card: Card, place: str) -> None:
    """A button that likes a card, and tells that it is liked; `place` tells it from others of the card."""
    visit = session.visit
    is_liked = visit.likes(card.item_id)
    st.button(
        "Liked" if is_liked else "Like",
        key=f"like-{place}-{card.id}",
        on_click=attempt(visit.like),
        args=(card,),
        icon=":material/favorite:" if is_liked else ":material/favorite_border:",
        disabled=is_liked,
    )
