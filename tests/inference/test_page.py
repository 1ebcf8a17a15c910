"""The page: one file that needs nothing else, with pictures, and with titles that are only text."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.partitions import divide
from feature_pipeline.specs import build_specs
from feature_pipeline.store import Interactions, write_store
from feature_pipeline.tables import Quarantine
from inference.page import write_page
from tests.tiny_store import SILENT_USER, UNENCODED
from training_pipeline.bundle import Bundle

EVIL = """<script>alert("x")</script> & 'Łódź'"""
DATASET = {
    "name": "shelf",
    "reader": "movielens",
    "users": {
        "key": "user_id",
        "features": {"age": {"kind": "numeric"}, "city": {"kind": "categorical"}},
    },
    "items": {
        "key": "item_id",
        "title": "title",
        "features": {
            "genre": {"kind": "categorical"},
            "year": {"kind": "numeric"},
            "cover": {"kind": "image"},
        },
    },
    "interactions": {"user_id": "user_id", "item_id": "item_id", "event_time": "event_time"},
}
USERS = pd.DataFrame({"user_id": ["u1", "u2"], "age": [30.0, np.nan], "city": [["Lima", "Cusco"], []]})
ITEMS = pd.DataFrame(
    {
        "item_id": ["a", "b", "c", "d"],
        "title": [EVIL, "Birch", "", "Durian"],
        "genre": [["poem"], ["play", "song"], [], []],
        "year": [1994.0, np.nan, 2001.5, np.nan],
        "cover": ["covers/a.png", "covers/b.jpg", None, "covers/gone.png"],
    }
).astype({"cover": "str"})
HISTORY = pd.DataFrame({"item_id": ["d"], "event_time": [pd.Timestamp("2024-05-01T12:00:00")]})
RECOMMENDATIONS = pd.DataFrame(
    {
        "user_id": "u1",
        "item_id": ["a", "b", "c"],
        "retrieval_score": np.array([0.5, 0.25, 0.125], np.float32),
        "ranking_score": np.array([2.0, 1.0, -1.0], np.float32),
        "reasons": [["genre: <b>poem</b>", "popular this week"], [], ["year"]],
    }
)


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())

    def list_sources(self) -> list[str]:
        return [attributes["src"] or "" for tag, attributes in self.tags if tag == "img"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Bundle:
    """A bundle of which only the tables are there, and two of three pictures."""
    root = tmp_path_factory.mktemp("shelf")
    (root / "raw" / "covers").mkdir(parents=True)
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (3, 4), "teal").save(root / "raw" / "covers" / name)
    config = DatasetConfig.model_validate({**DATASET, "root": str(root / "raw")})
    events = HISTORY.assign(user_id="u1", event_order=0, weight=1.0, event_type="event")
    vectors = np.ones((4, 2), np.float32), np.zeros(4, bool)
    store = write_store(
        parent=root / "store",
        tables={"users": USERS, "items": ITEMS, "quarantine": Quarantine().build_table()},
        interactions=Interactions(divide(events, "none"), [], events),
        vectors={"items": {"cover_embedding": vectors}},
        outcomes={},
        projections={},
        dataset=config,
        specs=build_specs(config, []),
        features={},
        encoders=UNENCODED,
        notes={},
    )
    store.path.rename(root / "features")
    return Bundle(root, {"id": "abc123"})


@pytest.fixture(scope="module")
def page(shelf, tmp_path_factory) -> Page:
    path = tmp_path_factory.mktemp("pages") / "new" / "u1.html"
    write_page(path, shelf, "u1", HISTORY, RECOMMENDATIONS)
    return Page(path)


def test_needs_nothing_from_elsewhere(page):
    assert not re.search(r"https?:|//[a-z]|url\(|@import", page.source)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "a"})
    assert all(source.startswith("data:image/") for source in page.list_sources())


def test_pictures_are_embedded_whole(page, shelf):
    covers = Path(shelf.store.dataset.root) / "covers"
    expected = [
        f"data:image/{kind};base64,{base64.b64encode((covers / name).read_bytes()).decode()}"
        for kind, name in (("png", "a.png"), ("jpeg", "b.jpg"))
    ]
    assert page.list_sources() == expected


def test_a_missing_picture_is_a_blank_with_the_first_letter(page):
    """`c` has no picture, and the file of `d` is gone."""
    assert [a.get("class") for _, a in page.tags].count("blank") == 2
    assert page.texts.count("c") == 2  # the letter, and the id that stands for the missing title
    assert "D" in page.texts


def test_titles_and_reasons_are_text(page):
    assert EVIL in page.texts
    assert "genre: <b>poem</b>" in page.texts
    assert "<b>" not in page.source


def test_says_what_is_known(page):
    for line in (
        "Recommended for u1",
        "30 · Lima, Cusco",
        "shelf, bundle abc123",
        "poem · 1994",
        "play, song",
        "2001.5",
        "popular this week",
        "retrieval 0.500 · ranking 2.000",
        "01 May 2024",
    ):
        assert line in page.texts


def test_in_the_order_of_the_recommendations(page):
    places = [page.texts.index(title) for title in (EVIL, "Birch", "year", "Durian")]
    assert places == sorted(places)


def test_user_of_whom_nothing_is_known(shelf, tmp_path):
    write_page(tmp_path / "u2.html", shelf, "u2", HISTORY[:0], RECOMMENDATIONS.assign(user_id="u2"))
    page = Page(tmp_path / "u2.html")
    assert "Nothing yet: these recommendations come from the profile and the moment alone." in page.texts
    assert "01 May 2024" not in page.texts


def test_what_the_recommender_gives(recommender, bundle, tmp_path):
    for user in ("user-00", SILENT_USER):
        found = recommender.recommend([user], 5, explain=True)
        write_page(tmp_path / f"{user}.html", bundle, user, recommender.get_history(user, 3), found)
        page = Page(tmp_path / f"{user}.html")
        assert set(found["title"]) <= set(page.texts)
        assert set(found["reasons"].explode().dropna()) <= set(page.texts)
