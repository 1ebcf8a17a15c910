"""The form's pages: welcome, question, thanks. What comes from data is put there as escaped text alone."""

import logging
import secrets
import time
import uuid
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from feature_pipeline.errors import UserError
from feature_pipeline.html import render
from feature_pipeline.schema import USERS
from feature_pipeline.store import open_current_store
from inference.form.answer_log import AnswerLog, Showing
from inference.form.config import Settings, take_over
from inference.form.study import Step, Study, check_name
from inference.form.subjects import read_subjects

PARTICIPANT = "participant"  # of the address, so that a reload goes on

_HERE = Path(__file__).parent
_STYLE = _HERE / "form.css"
_LOG = logging.getLogger(__name__)
# Without signs that look alike.
_SIGNS = "abcdefghkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 8


def show_form() -> None:
    """Shows the page of whoever the address names."""
    st.set_page_config(page_title="Like or Dislike", layout="centered")
    st.html(_STYLE)
    try:
        study = open_study(take_over())
        participant = st.query_params.get(PARTICIPANT, "")
        if participant and study.has_begun(participant):
            _show_study(study, participant)
        else:
            _show_welcome(study, participant)
    except UserError as error:
        _LOG.error("%s", error)
        _show("problem.html.j2", message="The form cannot be used at the moment. Please try again later.")


@st.cache_resource(show_spinner=False)
def open_study(settings: Settings) -> Study:
    """The study, opened once for all participants of this process."""
    subjects = read_subjects(open_current_store(settings.artifacts, settings.dataset), settings.form.show)
    return Study(settings.form, subjects, AnswerLog(settings.form.answers))


def _show_welcome(study: Study, participant: str) -> None:
    config = study.config
    _show("welcome.html.j2", study=config.study, count=study.count(participant), show=config.show)
    with st.form("welcome", border=False):
        name = st.text_input(
            "Your name or code", value=participant, max_chars=100, placeholder="Left empty, you get a code"
        )
        is_sent = st.form_submit_button("I agree, start", type="primary", width="stretch")
    if is_sent:
        _try_to_begin(study, name)
    if namesake := st.session_state.get("namesake"):
        _show("namesake.html.j2", participant=namesake)
        st.button("That is me, go on", key="go-on", on_click=_go_on_as, args=(namesake,), width="stretch")


def _try_to_begin(study: Study, name: str) -> None:
    """Begins under this name, or a drawn code; a name that is taken is asked about first."""
    try:
        participant = check_name(name) if name.strip() else _draw_code()
    except UserError as error:
        _show("problem.html.j2", message=str(error))
        return
    if study.has_begun(participant):
        st.session_state.namesake = participant
        return
    study.begin(participant)
    _go_on_as(participant)
    st.rerun()


def _go_on_as(participant: str) -> None:
    st.session_state.pop("namesake", None)
    st.query_params[PARTICIPANT] = participant


def _draw_code() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(_CODE_LENGTH))


def _show_study(study: Study, participant: str) -> None:
    step = study.find_step(participant, st.session_state.get("back", 0))
    if step is None:
        _show("thanks.html.j2", participant=participant)
        _offer_back("back-from-the-end", "Change my last answer")
    else:
        _show_question(study, participant, step)


def _show_question(study: Study, participant: str, step: Step) -> None:
    kind = "Person" if study.config.show == USERS else "Item"
    card = study.subjects.build_card(step.showing.subject)
    _show("question.html.j2", kind=kind, step=step, card=card)
    if st.session_state.pop("is_lost", False):
        _show("problem.html.j2", message="Your answer could not be kept. Please try again.")
    answer_id = _name_occasion(step.showing)
    with st.container(key="answers", horizontal=True):
        for label, liked, icon in (("Dislike", False, "down"), ("Like", True, "up")):
            st.button(
                label,
                key=f"{label.lower()}-{answer_id}",
                icon=f":material/thumb_{icon}:",
                width="stretch",
                on_click=_take_answer,
                args=(study, participant, step.showing, liked, answer_id),
            )
    if step.number > 1:
        _offer_back(f"back-{answer_id}", "Back")
    _show("footer.html.j2", participant=participant)


def _name_occasion(showing: Showing) -> str:
    """The id of the answer to what is shown now: the same through reruns, until it is answered."""
    known = st.session_state.get("occasion")
    if known is None or known[0] != showing.position:
        known = st.session_state.occasion = (showing.position, str(uuid.uuid4()))
    return str(known[1])


def _take_answer(study: Study, participant: str, showing: Showing, liked: bool, answer_id: str) -> None:
    """Keeps the answer, but for the second click of a double click, which may meet the next question."""
    if time.monotonic() - st.session_state.get("answered_at", -1e9) < study.config.pause:
        return
    try:
        is_new = study.answer(participant, showing, liked, answer_id)
    except UserError as error:
        _LOG.error("%s", error)
        st.session_state.is_lost = True
        return
    if not is_new:
        return  # a click on a button that the browser had not replaced yet
    st.session_state.answered_at = time.monotonic()
    st.session_state.back = 0
    st.session_state.pop("occasion", None)


def _offer_back(key: str, label: str) -> None:
    st.button(label, key=key, type="tertiary", icon=":material/arrow_back:", on_click=_go_back)


def _go_back() -> None:
    st.session_state.back = st.session_state.get("back", 0) + 1
    st.session_state.pop("occasion", None)


def _show(template: str, **values: object) -> DeltaGenerator:
    return st.html(render(_HERE / template, **values))
