"""The script itself, without a browser: what it shows in which room, and that reruns note nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from inference.ui import running
from inference.ui.__main__ import PAGE
from inference.ui.backend import Backend
from inference.ui.running import Place
from tests.inference.ui.test_visit import count


@pytest.fixture
def app(library: Backend, artifacts: Path) -> Iterator[AppTest]:
    with running.run(Place(library, artifacts / "tiny" / "bundles", "tiny")):
        yield AppTest.from_file(str(PAGE), default_timeout=60)


def read(app: AppTest) -> str:
    return "\n".join(piece.proto.body for piece in app.get("html"))


def test_the_entrance_and_the_way_in(app: AppTest):
    app.run()
    assert not app.exception
    assert "Who is looking?" in read(app)
    app.text_input(key="who").set_value("user-20").run()
    app.button(key="choose-user-20").click().run()
    assert not app.exception
    assert app.query_params["user"] == "user-20"
    assert "For user-20" in read(app)


def test_reruns_note_nothing_and_a_like_is_one(app: AppTest, artifacts: Path):
    app.query_params["user"] = "user-22"
    for _ in range(3):
        app.run()
    assert count(artifacts, "user-22") == {"impression": 12}
    first = next(button for button in app.button if button.label == "Like")
    first.click().run()
    app.run()
    assert not app.exception
    assert count(artifacts, "user-22") == {"impression": 13, "like": 1}
    assert "The last like" not in read(app)
    assert any(button.label == "Take back the last like" for button in app.button)


def test_a_filter_of_the_specs(app: AppTest):
    app.query_params["user"] = "user-24"
    app.run()
    app.multiselect(key="filter-shape").set_value(["square"]).run()
    assert not app.exception
    facts = [piece.proto.body for piece in app.get("html") if 'class="facts"' in piece.proto.body]
    assert len(facts) == 12
    assert all("square" in piece for piece in facts)


def test_an_unknown_user_is_told(app: AppTest):
    app.query_params["user"] = "<b>nobody</b>"
    app.run()
    assert not app.exception
    assert "user &#39;&lt;b&gt;nobody&lt;/b&gt;&#39; is not known" in read(app)
