"""Cards: what is declared, in words, worked out by hand."""

import base64

import pytest

from inference.form.subjects import Card, read_subjects
from tests.inference.form.gallery import EVIL


@pytest.fixture
def items(store):
    return read_subjects(store, "items")


@pytest.fixture
def users(store):
    return read_subjects(store, "users")


def test_items(items, gallery):
    assert items.ids == list("abcdef")
    cover = base64.b64encode((gallery / "gallery/raw/covers/a.png").read_bytes()).decode()
    facts = [("genre", "poem"), ("first year", "1994")]
    assert items.build_card("a") == Card(EVIL, f"data:image/png;base64,{cover}", facts, [])
    assert items.build_card("c") == Card("c", None, [("first year", "2001.5")], [])  # no title, no picture
    assert items.build_card("d") == Card(
        "Durian", None, [("genre", "<i>play</i>")], [EVIL]
    )  # its file is gone


def test_users_stay_nameless(users):
    assert users.build_card("ann@example.org") == Card(
        "", None, [("age", "30"), ("city", "Lima, Cusco")], ["I read."]
    )
    assert users.build_card("ed") == Card("", None, [], [])


def test_which_there_are(users):
    assert "Bea" in users
    assert "bea" not in users
    assert users.find_namesakes("bEA") == ["Bea"]
    assert users.find_namesakes("nobody") == []
