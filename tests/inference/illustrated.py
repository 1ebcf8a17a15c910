"""The tiny data set with pictures, texts that real encoders have read, and titles that try to do harm."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.build import list_projections, list_vectors
from feature_pipeline.content import ContentEmbedder
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.encoders.load import load_encoders, pin_encoders
from feature_pipeline.engine.connect import connect
from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.features.registry import load_features
from feature_pipeline.incremental import build_interactions
from feature_pipeline.specs import build_specs
from feature_pipeline.store import write_store
from feature_pipeline.tables import Quarantine
from tests.inference.gallery import draw
from tests.tiny_store import ENCODER, ENGINE, POINT_IN_TIME, write_tiny_store

COLOURS = ("navy", "crimson", "gold", "seagreen", "black")
WORDS = (
    "a ship in a storm",
    "two kittens on a sofa",
    "a bowl of lemons",
    "a forest in spring",
    "a city at night",
)
SCRIPT = '<script>window.harmed = "script"</script>'
NASTY = (
    SCRIPT,
    "<img src=x onerror=\"window.harmed='image'\">",
    "**bold** _slanted_ [link](https://example.org) # head :red[red] $x^2$ :smile: `code`",
    "Endless" * 60,
    "כותרת מימין לשמאל (1) עם סוגריים",
    "🎨🧑‍🎨 family 👨‍👩‍👧‍👦 of emoji",
    '"><svg onload="window.harmed=\'svg\'">',
    "{{ 7 * 7 }} %s \\n &lt;b&gt;",
)
ROUND = "<i>round</i> **shape**"
# No picture, and none that can be read.
BARE, BROKEN = 3, 7
_EVENTS = ["user_id", "item_id", "event_time", "event_order", "weight", "event_type", "device"]


def write_illustrated_store(artifacts: Path) -> None:
    """Publishes the store as the live one of the data set `tiny` under `artifacts`."""
    plain = write_tiny_store(artifacts)
    raw = artifacts / "raw"
    raw.mkdir()
    users, items = plain.read_table("users"), _illustrate(plain.read_table("items"), raw)
    likings = [f"I like {WORDS[place % len(WORDS)]}" for place in range(len(users))]
    users["about"] = pd.Series(likings, dtype="str")
    dataset = _extend(plain.dataset, raw)
    encoders, quarantine = load_encoders(ENCODER), Quarantine()
    embedder = ContentEmbedder(raw, encoders, EmbeddingCache(artifacts / "cache.sqlite"), quarantine)
    tables = {"users": (users, dataset.users), "items": (items, dataset.items)}
    embedded = {
        table: embedder.embed(table, "a.csv", frame, mapping.features, np.ones(len(frame), bool))
        for table, (frame, mapping) in tables.items()
    }
    features = list(load_features(POINT_IN_TIME).values())
    specs = build_specs(dataset, features, encoders)
    events = plain.read_table("interactions")[_EVENTS]
    builder = FeatureBuilder.of_table(connect(ENGINE), features, list_columns(specs), items, events, {}, {})
    write_store(
        parent=artifacts / "tiny" / "features",
        tables={"users": users, "items": items, "quarantine": quarantine.build_table()},
        interactions=build_interactions(events, builder, None),
        vectors={table: list_vectors(own) for table, own in embedded.items()},
        outcomes={},
        projections=list_projections(embedded),
        dataset=dataset,
        specs=specs,
        features=POINT_IN_TIME,
        encoders=pin_encoders(ENCODER, encoders, {"text", "image"}),
        notes={"event_time": {"first": "2024-01-01T00:00:00", "last": "2024-04-10T00:00:00"}},
    )


def _illustrate(items: pd.DataFrame, raw: Path) -> pd.DataFrame:
    """Every item has a text of one of five kinds and a picture of a colour that goes with it, but two."""
    files: list[str | None] = []
    for place in range(len(items)):
        files.append(None if place == BARE else f"{place}.png")
        draw(COLOURS[place % len(COLOURS)], place % 7).save(raw / f"{place}.png")
    titles = [NASTY[place] if place < len(NASTY) else title for place, title in enumerate(items["title"])]
    texts = [f"{WORDS[place % len(WORDS)]}, number {place}" for place in range(len(items))]
    shapes = [[ROUND if shape == "round" else shape for shape in row] for row in items["shape"]]
    columns: dict[str, Any] = {"title": titles, "text": texts, "picture": files}
    typed = {name: pd.Series(values, dtype="str") for name, values in columns.items()}
    return items.assign(**typed, shape=pd.Series(shapes, dtype=object))


def _extend(dataset: DatasetConfig, raw: Path) -> DatasetConfig:
    config = dataset.model_dump()
    config["root"] = str(raw)
    config["items"]["features"]["picture"] = {"kind": "image"}
    config["users"]["features"]["about"] = {"kind": "text"}
    return DatasetConfig.model_validate(config)


def break_picture(artifacts: Path) -> None:
    """Damages a picture that was whole when it was read."""
    (artifacts / "raw" / f"{BROKEN}.png").write_bytes(b"no picture")
