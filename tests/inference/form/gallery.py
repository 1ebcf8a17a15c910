"""A small published feature store to be asked about: six items with two pictures, five users."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.partitions import divide
from feature_pipeline.specs import build_specs
from feature_pipeline.store import FeatureStore, Interactions, write_store
from feature_pipeline.tables import Quarantine
from inference.form.config import FormConfig, Settings
from tests.tiny_store import UNENCODED

EVIL = """<script>alert("x")</script> **bold** & 'Łódź' :smile: $x^2$"""
LONG = "wordwithoutspaces" * 40
ITEMS = pd.DataFrame(
    {
        "item_id": ["a", "b", "c", "d", "e", "f"],
        "title": [EVIL, "Birch", "", "Durian", "مرحبا 🎈", LONG],
        "genre": [["poem"], ["play", "song"], [], ["<i>play</i>"], [], []],
        "first_year": [1994.0, np.nan, 2001.5, np.nan, 7.0, np.nan],
        "words": ["", "One line\nand <b>another</b>.", "", EVIL, LONG, "Short."],
        "cover": ["covers/a.png", "covers/b.png", None, "covers/gone.png", None, None],
    }
).astype({"cover": "str"})
USERS = pd.DataFrame(
    {
        "user_id": ["ann@example.org", "Bea", "cy", "Di", "ed"],
        "age": [30.0, np.nan, 41.0, 52.0, np.nan],
        "city": [["Lima", "Cusco"], [], ["<u>Oslo</u>"], [], []],
        "about": ["I read.", "# Not a heading", EVIL, "", ""],
    }
)
_DATASET = {
    "name": "gallery",
    "reader": "movielens",
    "users": {
        "key": "user_id",
        "features": {
            "age": {"kind": "numeric"},
            "city": {"kind": "categorical"},
            "about": {"kind": "text"},
        },
    },
    "items": {
        "key": "item_id",
        "title": "title",
        "features": {
            "genre": {"kind": "categorical"},
            "first_year": {"kind": "numeric"},
            "words": {"kind": "text"},
            "cover": {"kind": "image"},
        },
    },
    "interactions": {"user_id": "user_id", "item_id": "item_id", "event_time": "event_time"},
}


def write_gallery(artifacts: Path) -> FeatureStore:
    """Publishes the store as the live one of `gallery`; its raw files lie beside it."""
    covers = artifacts / "gallery" / "raw" / "covers"
    covers.mkdir(parents=True)
    for name, size in (("a", (300, 400)), ("b", (1200, 200))):
        Image.new("RGB", size, "teal").save(covers / f"{name}.png")
    config = DatasetConfig.model_validate({**_DATASET, "root": str(covers.parent)})
    events = pd.DataFrame({"user_id": ["Bea"], "item_id": ["d"], "event_time": [pd.Timestamp("2024-05-01")]})
    events = events.assign(event_order=0, weight=1.0, event_type="event")
    without = np.ones((1, 2), np.float32), np.zeros(1, bool)
    vectors = {
        "items": {name: _repeat(without, 6) for name in ("words_embedding", "cover_embedding")},
        "users": {"about_embedding": _repeat(without, 5)},
    }
    return write_store(
        parent=artifacts / "gallery" / "features",
        tables={"users": USERS, "items": ITEMS, "quarantine": Quarantine().build_table()},
        interactions=Interactions(divide(events, "none"), [], events),
        vectors=vectors,
        outcomes={},
        projections={},
        dataset=config,
        specs=build_specs(config, []),
        features={},
        encoders=UNENCODED,
        notes={},
    )


def make_form(artifacts: Path, **values: object) -> FormConfig:
    """The settings of a study; double clicks take no time, as tests click at once."""
    usual = {"study": "s", "show": "items", "count": 4, "seed": 1, "pause": 0, "port": 0}
    return FormConfig.model_validate({**usual, "answers": artifacts / "gallery" / "answers.sqlite", **values})


def make_settings(artifacts: Path, **values: object) -> Settings:
    """The same as the app gets it."""
    return Settings(artifacts=artifacts, dataset="gallery", form=make_form(artifacts, **values))


def _repeat(vectors: tuple[np.ndarray, np.ndarray], rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(vectors[0], rows, axis=0), np.repeat(vectors[1], rows)
