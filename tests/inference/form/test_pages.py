"""The pages, run by Streamlit without a browser: the flow, and that data is only ever text."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import streamlit as st
from markupsafe import escape
from streamlit.testing.v1 import AppTest

from feature_pipeline import sqlite_file
from inference.form import pages
from inference.form.answer_log import AnswerLog
from tests.inference.form.gallery import EVIL, LONG, make_settings

APP = Path(pages.__file__).with_name("app.py")


@pytest.fixture
def visit(gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens the page in a window of its own, whose address may name a participant."""

    def run(participant: str = "", **values: object) -> AppTest:
        settings = make_settings(gallery, answers=tmp_path / "answers.sqlite", **values)
        monkeypatch.setenv("TOWERBRIDGE_FORM", settings.model_dump_json())
        app = AppTest.from_file(str(APP), default_timeout=60)
        if participant:
            app.query_params["participant"] = participant
        return app.run()

    yield run
    st.cache_resource.clear()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[], list[tuple[str, str, bool]]]:
    """All answers so far."""

    def run():
        with closing(AnswerLog(tmp_path / "answers.sqlite")) as log:
            return [(a.participant, a.subject, a.liked) for a in log.read("s")]

    return run


def list_html(app: AppTest) -> list[str]:
    return [element.body for element in app.html]


def says(app: AppTest, text: str) -> bool:
    return str(escape(text)) in "\n".join(list_html(app))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def start(app: AppTest, name: str) -> AppTest:
    app.text_input[0].set_value(name)
    return press(app, "I agree, start")


def test_all_the_way(visit, read):
    app = start(visit(count=3), " Ann B. ")
    assert app.query_params["participant"] == "Ann B."
    for number, label in enumerate(("Like", "Dislike", "Like"), 1):
        assert says(app, f"Item {number} of 3")
        assert [b.label for b in app.button] == ["Dislike", "Like", *(["Back"] if number > 1 else [])]
        press(app, label)
    assert says(app, "Thank you!")
    assert [(who, liked) for who, _, liked in read()] == [
        ("Ann B.", True),
        ("Ann B.", False),
        ("Ann B.", True),
    ]
    assert len({subject for _, subject, _ in read()}) == 3


def test_back_changes_an_answer(visit, read):
    app = press(start(visit(), "p"), "Like")
    assert not says(app, "You said")
    press(app, "Back")
    assert says(app, "Item 1 of 4")
    assert says(app, "You said: Like.")
    press(app, "Dislike")
    assert says(app, "Item 2 of 4")
    (_, first, liked), (_, again, changed) = read()
    assert (first, liked, changed) == (again, True, False)


def test_back_from_the_end(visit, read):
    app = press(start(visit(count=1), "p"), "Like")
    press(app, "Change my last answer")
    assert says(app, "Item 1 of 1")
    press(app, "Dislike")
    assert says(app, "Thank you!")
    assert [liked for *_, liked in read()] == [True, False]


def test_another_window_goes_on(visit):
    app = press(start(visit(), "p"), "Like")
    assert list_html(visit("p")) == list_html(app)


def test_reruns_answer_nothing(visit, read):
    app = press(start(visit(), "p"), "Like")
    before = list_html(app)
    for _ in range(3):
        app.run()
    assert list_html(app) == before
    assert len(read()) == 1


def test_a_click_too_soon_is_part_of_the_one_before(visit, read):
    app = press(start(visit(pause=60), "p"), "Like")
    press(app, "Like")
    assert says(app, "Item 2 of 4")
    assert len(read()) == 1


def test_a_code_is_drawn(visit):
    codes = {start(visit(), "  ").query_params["participant"] for _ in range(3)}
    assert len(codes) == 3
    assert all(len(code) == 8 and code.isalnum() for code in codes)


def test_a_name_that_is_taken_is_asked_about(visit):
    press(start(visit(), "p"), "Like")
    app = start(visit(), "p")
    assert says(app, "Somebody has already started as")
    assert "participant" not in app.query_params
    press(app, "That is me, go on")
    assert says(app, "Item 2 of 4")
    other = start(start(visit(), "p"), "q")
    assert says(other, "Item 1 of 4")


def test_nobody_begins_by_an_address_alone(visit):
    app = visit("<b>somebody</b>")
    assert app.text_input[0].value == "<b>somebody</b>"
    assert says(start(app, "<b>somebody</b>"), "<b>somebody</b>")


def test_a_name_that_is_none(visit):
    app = start(visit(), "a\x00b")
    assert says(app, "Please give a name or code of 1 to 100 characters")


@pytest.mark.parametrize(("show", "count"), [("items", 6), ("users", 5)])
def test_text_is_text(visit, show, count):
    app = start(visit(show=show, count=count), "p")
    seen = ""
    while not says(app, "Thank you!"):
        seen += "".join(list_html(app))
        # Streamlit reads Markdown in every other element.
        assert not app.markdown
        assert {button.label for button in app.button} <= {"Like", "Dislike", "Back"}
        press(app, "Like")
    for tag in ("<script", "<i>", "<u>", "<b>another"):
        assert tag not in seen
    for text in (EVIL, *(["<i>play</i>", LONG] if show == "items" else ["<u>Oslo</u>", "# Not a heading"])):
        assert str(escape(text)) in seen


def test_users_stay_nameless(visit):
    app = start(visit(show="users", count=5), "p")
    seen = ""
    for number in range(1, 6):
        assert says(app, f"Person {number} of 5")
        seen += "".join(list_html(app))
        press(app, "Dislike")
    assert not any(user in seen for user in ("ann@example.org", "Bea", ">cy<", ">Di<", ">ed<"))


def test_a_study_of_something_else(visit):
    visit(show="users")
    app = visit(show="items")
    assert says(app, "The form cannot be used at the moment.")
    assert not app.button


def test_an_answer_that_cannot_be_kept_is_asked_again(visit, read, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    app = start(visit(), "p")
    with closing(sqlite3.connect(tmp_path / "answers.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        press(app, "Like")
        assert says(app, "Your answer could not be kept. Please try again.")
        assert says(app, "Item 1 of 4")
    press(app, "Like")
    assert says(app, "Item 2 of 4")
    assert not says(app, "could not be kept")
    assert len(read()) == 1


def test_names_of_studies_are_text(visit):
    assert says(visit(study="<b>bold</b> **study**"), "<b>bold</b> **study**")
