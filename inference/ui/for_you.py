"""The first room: what is recommended, what was met, and what is looked for."""

from typing import Any

import streamlit as st

from inference.ui.cards import show_cards
from inference.ui.details import show_details
from inference.ui.filters import Choice, Range, build_filters
from inference.ui.finding import Question
from inference.ui.markup import escape_label, name_column, say, strip
from inference.ui.session import Session, attempt, take_trouble
from inference.ui.visit import Wish

_HISTORY = 24
_PICTURES = ["jpg", "jpeg", "png", "webp"]
_LONGEST_TEXT = 2000
_VARIETY = "From the best to what differs most"
_MET = "What you chose or opened, the latest first"


def show_for_you(session: Session) -> None:
    """Shows the room.

    Raises:
        UserError: what answers cannot be reached, or does not know the user.
    """
    if trouble := take_trouble():
        st.html(say(trouble, "trouble"))
    with st.container(horizontal=True, vertical_alignment="bottom", key="tools"):
        text, image = _ask_question(session)
        filters, diversity = _ask_wishes(session)
    _show_history(session)
    if text or image:
        _show_found(session, Question(text or None, image, filters))
    else:
        _show_recommended(session, Wish(filters, diversity))
    show_details(session)


def _ask_question(session: Session) -> tuple[str, bytes | None]:
    """Words and a picture, where items have texts and pictures to compare."""
    text, image = "", None
    if session.gallery.has_content:
        text = st.text_input(
            "Search", key="words", placeholder="Search by words", label_visibility="collapsed",
            max_chars=_LONGEST_TEXT, icon=":material/search:",
        ).strip()  # fmt: skip
    if session.gallery.has_pictures:
        with st.popover("Picture", icon=":material/image_search:"):
            file = st.file_uploader("Search by a picture of yours", _PICTURES, key="picture")
            image = None if file is None else file.getvalue()
    return text, image


def _ask_wishes(session: Session) -> tuple[dict[str, Any], float]:
    """Filters, and how much what is shown should differ."""
    with st.popover("Refine", icon=":material/tune:"):
        diversity = st.slider("Variety", 0.0, 1.0, 0.0, 0.1, key="variety", help=_VARIETY)
        chosen = {control.column: _ask_filter(control) for control in session.gallery.controls}
    return build_filters(session.gallery.controls, chosen), diversity


def _ask_filter(control: Choice | Range) -> Any:
    label, key = escape_label(name_column(control.column)), f"filter-{control.column}"
    if isinstance(control, Choice):
        return st.multiselect(label, control.values, key=key, placeholder="Any")
    bounds: Any = (control.low, control.high)
    return st.slider(label, control.low, control.high, bounds, control.step, key=key)


def _show_history(session: Session) -> None:
    met = session.visit.list_history(_HISTORY)
    exhibits = [session.gallery.exhibits.get(item_id) for item_id in met]
    with st.container(key="history"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(say(_MET if met else "Nothing chosen yet", "quiet"))
            if session.visit.liked:
                last = session.visit.liked[-1]
                st.button(
                    "Take back the last like", on_click=attempt(session.visit.take_back), args=(last,),
                    type="tertiary", icon=":material/undo:", key=f"undo-{last.event_id}",
                )  # fmt: skip
        if exhibits:
            st.html(strip(exhibits))


def _show_found(session: Session, question: Question) -> None:
    cards = session.finding.find(question)
    st.html(say("Found" if cards else "Nothing found", "heading", "h2"))
    show_cards(session, cards, "found")


def _show_recommended(session: Session, wish: Wish) -> None:
    visit = session.visit
    cards = visit.look(wish)
    show_cards(session, cards, "cards")
    if not cards:
        st.html(say("Nothing is left to show here.", "quiet"))
    with st.container(horizontal=True, horizontal_alignment="center", key="more"):
        if cards:
            st.button("Show others", on_click=visit.pass_over)
        if visit.has_passed:
            st.button("Begin with the best", on_click=visit.show_again, type="tertiary")
