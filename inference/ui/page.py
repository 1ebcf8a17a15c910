"""The script that Streamlit runs for every visitor, at every touch of the page."""

from pathlib import Path

import streamlit as st
from markupsafe import Markup

from feature_pipeline.errors import UserError
from feature_pipeline.html import render
from inference.ui.data_view import show_data
from inference.ui.for_you import show_for_you
from inference.ui.markup import join, say
from inference.ui.model_view import show_model
from inference.ui.running import Place, get_place
from inference.ui.session import Session, find_session, leave
from inference.ui.welcome import show_welcome

_STYLE = Path(__file__).with_name("style.css.j2")
_ROOMS = {
    "For you": show_for_you,
    "How the model sees it": show_model,
    "Data and model": show_data,
}


def main() -> None:
    """Shows the page; what went wrong, and what to do, is said on it."""
    st.set_page_config(page_title="towerbridge", layout="wide", initial_sidebar_state="collapsed")
    place = get_place()
    try:
        st.html(render(_STYLE, shape=place.open_gallery().exhibits.shape))
        session = find_session(place)
        if session is None:
            show_welcome(place)
        else:
            _show_rooms(place, session)
    except UserError as error:
        st.html(say(str(error), "trouble"))
        st.button("Begin again", on_click=leave)


def _show_rooms(place: Place, session: Session) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="top"):
        st.html(_introduce(place, session))
        st.button("Someone else", on_click=leave, type="tertiary")
    tabs = st.tabs(list(_ROOMS), key="room", on_change="rerun")
    for tab, show in zip(tabs, _ROOMS.values(), strict=True):
        # Only what is looked at is computed.
        if tab.open:
            with tab:
                show(session)


def _introduce(place: Place, session: Session) -> Markup:
    facts = session.gallery.people.describe(session.visit.user_id)
    return join(
        [
            say(place.dataset, "mark"),
            say(f"For {session.visit.user_id}", "headline", "h1"),
            say(" · ".join(facts.values()), "lead") if facts else Markup(""),
        ]
    )


main()
