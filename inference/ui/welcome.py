"""The entrance: somebody chooses a user, or becomes a new one."""

import streamlit as st

from inference.ui.gallery import Gallery
from inference.ui.markup import join, say, strip
from inference.ui.newcomer import show_newcomer
from inference.ui.running import Place
from inference.ui.session import enter

_EXAMPLES = 4
_FOUND = 6
_LATEST = 6


def show_welcome(place: Place) -> None:
    """Shows the entrance."""
    gallery = place.open_gallery()
    st.html(join([say(place.dataset, "mark"), say("Who is looking?", "headline", "h1")]))
    known, new = st.tabs(["Someone known", "Someone new"], key="entrance", on_change="rerun")
    if known.open:
        with known:
            _show_known(place, gallery)
    if new.open:
        with new:
            show_newcomer(place, gallery)


def _show_known(place: Place, gallery: Gallery) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Find a user", placeholder="Find by id", label_visibility="collapsed", key="who")
        st.button("Anybody", icon=":material/casino:", on_click=lambda: enter(gallery.people.draw()))
    if text.strip():
        found = gallery.people.find(text, _FOUND)
        st.html(say("Found" if found else f"Nobody is called {text.strip()!r}", "heading", "h2"))
    else:
        found = gallery.people.choose_lively(_EXAMPLES)
        st.html(say("Some with a history", "heading", "h2"))
    for number, user_id in enumerate(found):
        with st.container(key=f"user-{number}"):
            _show_user(place, gallery, user_id)


def _show_user(place: Place, gallery: Gallery, user_id: str) -> None:
    """One user: who it is, what they have met, and a way in."""
    facts = " · ".join(gallery.people.describe(user_id).values())
    history = place.backend.get_history(user_id, _LATEST).events
    exhibits = [gallery.exhibits.get(past.item_id, past.title) for past in history]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(join([say(user_id, "title", "h3"), say(facts, "facts")]))
        st.button("Choose", key=f"choose-{user_id}", on_click=enter, args=(user_id,))
    if exhibits:
        st.html(strip(exhibits))
