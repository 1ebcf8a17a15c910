"""The profile as a whole: self-contained, escaped, and there for every shape of data set."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from feature_pipeline.config import SplitConfig
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.partitions import divide
from feature_pipeline.profile.page import write_profile
from feature_pipeline.schema import FeatureSpec
from feature_pipeline.store import Interactions, write_store
from feature_pipeline.tables import Quarantine
from tests.tiny_store import UNENCODED

EVIL = """<script>alert("x")</script> & 'Łódź'"""
TEMPORAL = SplitConfig(name="temporal", validation_share=0.2, test_share=0.2)
# Elements that have no end tag in HTML.
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of style; complains of tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text = " ".join(f"{self.text} {data}".split())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def make_shop(tmp_path, num_items=20, num_users=5, num_events=40):
    """Everything a store can hold, by argument of `write_store`; tests take parts away."""
    rng = np.random.default_rng(0)
    items = pd.DataFrame(
        {
            "item_id": [f"i{n}" for n in range(num_items)],
            "title": [EVIL if n == 0 else f"Thing {n}" for n in range(num_items)],
            "blurb": [f"{EVIL} blurb {n}" for n in range(num_items)],
            "photo": [f"{n}.png" for n in range(num_items)],
        }
    )
    for n in range(num_items - 1):  # the last photo is not there
        Image.new("RGB", (30, 40), (10 * n, 0, 0)).save(tmp_path / f"{n}.png")
    events = pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in rng.integers(0, num_users, num_events)],
            "item_id": [f"i{n}" for n in rng.integers(0, num_items, num_events)],
            "event_time": pd.date_range("2024-01-01", periods=num_events).astype("datetime64[us]"),
            "event_order": range(num_events),
            "weight": 1.0,
            "event_type": "buy",
            "device": [["phone"]] * num_events,
            "stars": rng.normal(size=num_events),
            "user_events_before": range(num_events),
        }
    )
    quarantine = Quarantine()
    refused = pd.Series([EVIL, None], index=[3, 9])
    quarantine.add("interactions", "events.csv", "at", refused, f"why {EVIL}")
    vectors = rng.normal(size=(3, num_items, 4)).astype(np.float32)
    missing = np.zeros(num_items, bool)
    return SimpleNamespace(
        users=pd.DataFrame({"user_id": [f"u{n}" for n in range(num_users)]}),
        items=items,
        events=events,
        quarantine=quarantine.build_table(),
        specs=[
            FeatureSpec("blurb", "candidate", "text"),
            FeatureSpec("blurb_embedding", "candidate", "embedding"),
            FeatureSpec("photo", "candidate", "image"),
            FeatureSpec("photo_embedding", "candidate", "embedding"),
            FeatureSpec("photo_clip_embedding", "candidate", "embedding"),
            FeatureSpec("device", "context", "categorical"),
            FeatureSpec("stars", "context", "numeric"),
            FeatureSpec("user_events_before", "query", "numeric"),
        ],
        vectors={
            "blurb_embedding": (vectors[0], missing),
            "photo_embedding": (vectors[1], missing),
            "photo_clip_embedding": (vectors[2], missing),
        },
    )


def publish(tmp_path, shop):
    context = {"device": {"kind": "categorical"}, "stars": {"kind": "numeric"}}
    config = {
        "name": "shop",
        "reader": "movielens",
        "root": str(tmp_path),
        "users": {"key": "user_id"},
        "items": {"key": "item_id", "title": "title"},
        "interactions": {"user_id": "u", "item_id": "i", "event_time": "at", "context": context},
    }
    return write_store(
        parent=tmp_path / "features",
        tables={"users": shop.users, "items": shop.items, "quarantine": shop.quarantine},
        interactions=Interactions(divide(shop.events, "test"), unchanged=[], rows=shop.events),
        vectors={"items": shop.vectors},
        outcomes={},
        projections={},
        dataset=DatasetConfig.model_validate(config),
        specs=shop.specs,
        features={},
        encoders=UNENCODED,
        notes={},
    )


def profile(tmp_path, shop, split=TEMPORAL):
    place = tmp_path / "out" / "profile.html"
    write_profile(publish(tmp_path, shop), tmp_path, split, place)
    text = place.read_text(encoding="utf-8")
    return Page(text), text


def test_shows_every_part(tmp_path):
    page, _ = profile(tmp_path, make_shop(tmp_path))
    for part in (
        "events 40 users 5",
        "Events by day",
        "validation 8 20.0 %",
        "photo_clip_embedding",
        "blurb_embedding",
        "user_events_before 0 0.39 19.5 38.61 39",
        "2 rows or values were set aside",
        "device",
    ):
        assert part in page.text
    assert len(page.all("svg")) == 3
    assert len(page.all("article")) == 24


def test_needs_no_other_file_and_runs_nothing(tmp_path):
    page, text = profile(tmp_path, make_shop(tmp_path))
    assert page.all("script") == page.all("link") == []
    sources = [attributes["src"] for attributes in page.all("img")]
    assert len(sources) > 100
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert all(link["href"].startswith("#") for link in page.all("a"))
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {link["href"][1:] for link in page.all("a")} <= targets
    assert set(re.findall(r"https?://[^\s\"]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_texts_are_only_text(tmp_path):
    page, text = profile(tmp_path, make_shop(tmp_path))
    assert "<script" not in text
    assert EVIL in page.text


def test_the_same_store_gives_the_same_page(tmp_path):
    shop = make_shop(tmp_path)
    assert profile(tmp_path, shop)[1] == profile(tmp_path, shop)[1]


def test_images_that_are_gone_show_as_blanks(tmp_path):
    shop = make_shop(tmp_path)
    for file in tmp_path.glob("*.png"):
        file.unlink()
    page, _ = profile(tmp_path, shop)
    assert page.all("img") == []
    assert sum(attributes.get("class") == "blank" for attributes in page.all("span")) > 100


def test_split_that_cannot_be_made(tmp_path):
    page, _ = profile(tmp_path, make_shop(tmp_path, num_events=2))
    assert "The split cannot be made: split 'temporal' leaves no" in page.text


@pytest.mark.parametrize("kinds", [{"text"}, {"image"}, {"text", "image", "numeric"}])
def test_data_sets_without_a_kind_of_feature(tmp_path, kinds):
    shop = make_shop(tmp_path)
    gone = {spec.name for spec in shop.specs if spec.kind in kinds}
    gone |= {name for name in shop.vectors if name.split("_")[0] in gone}
    shop.specs = [spec for spec in shop.specs if spec.name not in gone]
    shop.vectors = {name: array for name, array in shop.vectors.items() if name not in gone}
    shop.items = shop.items.drop(columns=gone & {*shop.items})
    shop.events = shop.events.drop(columns=gone & {*shop.events})
    shop.quarantine = Quarantine().build_table()
    page, _ = profile(tmp_path, shop)
    headings = {attributes["id"] for attributes in page.all("h2")}
    assert {"activity", "cold", "missing", "features", "quarantine", "facts"} <= headings
    assert sum(heading.startswith("sheet-") for heading in headings) == 2 - len(kinds & {"text", "image"})
    assert "Every row and every value was accepted." in page.text


def test_one_user_one_item_one_event(tmp_path):
    page, _ = profile(tmp_path, make_shop(tmp_path, num_items=1, num_users=1, num_events=1))
    assert "no neighbour" in page.text
    assert "events 1 users 1" in page.text
