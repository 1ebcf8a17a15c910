"""Texts stay texts, in HTML and in labels."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference.cards import write_value
from inference.service.answers import Recommendation
from inference.ui.data_view import protect
from inference.ui.exhibit import Exhibit
from inference.ui.markup import caption, draw_placeholder, escape_label, list_facts, name_column, say, strip
from inference.ui.orders import Orders

EVIL = "<script>alert(1)</script>\"'&"
SAFE = "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;"
EXHIBIT = Exhibit("i", EVIL, {EVIL: EVIL}, {"text": EVIL}, None)


@pytest.mark.parametrize(
    "html",
    [
        say(EVIL, "title"),
        caption(EXHIBIT, [EVIL]),
        list_facts(EXHIBIT.facts),
        strip([EXHIBIT]),
    ],
)
def test_nothing_of_a_text_is_markup(html: str):
    assert "<script" not in html
    assert SAFE in html


def test_orders_escape_too_and_tell_where_each_came_from():
    def row(number: int, retrieval: float, ranking: float) -> Recommendation:
        return Recommendation(
            item_id=f"{number}", title=f"{number} {EVIL}", rank=number, retrieval_score=retrieval,
            ranking_score=ranking, chance=0.125, reasons=[f"because {EVIL}"],
        )  # fmt: skip

    rows = [row(1, 0.2, 3.0), row(2, 0.9, 2.0), row(3, 0.5, 1.0)]
    orders = Orders(rows, rows[:2])
    ranked, retrieved = orders.write_ranked(), orders.write_retrieved()
    assert "<script" not in ranked + retrieved
    assert "↑ 2</b> retrieved 3rd · chance 12.5%" in ranked
    assert "↓ 1</b> retrieved 1st" in ranked
    assert f"because {SAFE}" in ranked
    assert retrieved.index(f"2 {SAFE}") < retrieved.index(f"3 {SAFE}")
    assert "ranked 3rd" in retrieved
    assert retrieved.count("<li>") == 2


@pytest.mark.parametrize(("title", "letter"), [("<b>", "B"), ("«été»", "É"), ("🎨!", "·"), ("שלום", "ש")])
def test_a_placeholder_shows_a_letter(title: str, letter: str):
    assert f">{letter}</div>" in draw_placeholder(Exhibit("i", title, {}, {}, None))


def test_labels():
    assert name_column("release_year") == "Release year"
    assert escape_label("*a* [b](c) :red[d]") == r"\*a\* \[b\]\(c\) \:red\[d\]"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array(["oil", "ink"], object), "oil, ink"),
        (np.array([], object), ""),
        (1990.0, "1990"),
        (2.5, "2.5"),
        (1234567.891, "1234567.89"),
        (float("nan"), ""),
        (None, ""),
        (pd.Timestamp("2024-03-05"), "05 Mar 2024"),
        (pd.NaT, ""),
        ("*", "*"),
    ],
)
def test_values_in_words(value: object, words: str):
    assert write_value(value) == words


@pytest.mark.parametrize("page", ["<html><head><title>a</title></head></html>", "<p>a"])
def test_no_script_may_run_in_a_report(tmp_path: Path, page: str):
    (tmp_path / "a.html").write_text(page)
    protected = protect(tmp_path / "a.html")
    rule = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
    assert protected.count(rule) == 1
    assert protected.replace(rule, "") == page
