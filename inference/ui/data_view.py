"""The third room: what the features are like, and how the model was evaluated."""

from pathlib import Path

import streamlit as st

from inference.ui.markup import say
from inference.ui.session import Session

_HEIGHT = 900
# Both pages are of ours, and need no scripts: none is to run in them, whatever stands in their data.
_NO_SCRIPTS = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'


def show_data(session: Session) -> None:
    """Shows the room."""
    gallery = session.gallery
    pages = {"Evaluation of the model": gallery.report, "Profile of the features": gallery.profile}
    names = list(pages)
    chosen = st.segmented_control(
        "Report", names, default=names[0], required=True, label_visibility="collapsed", key="report"
    )
    page = pages[chosen]
    if page.is_file():
        st.iframe(protect(page), height=_HEIGHT, alt=chosen)
    else:
        st.html(say(f"There is no {page.name} in this bundle.", "quiet"))


def protect(page: Path) -> str:
    """An HTML file in which no script runs."""
    text = page.read_text(encoding="utf-8")
    before, head, after = text.partition("<head>")
    return before + head + _NO_SCRIPTS + after if head else _NO_SCRIPTS + text
