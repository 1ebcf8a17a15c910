"""A small gallery with texts and pictures, embedded by real encoders: a bundle without its towers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from feature_pipeline.build import list_projections, list_vectors
from feature_pipeline.content import ContentEmbedder
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.encoders.load import load_encoders, pin_encoders
from feature_pipeline.partitions import divide
from feature_pipeline.specs import build_specs
from feature_pipeline.store import Interactions, write_store
from feature_pipeline.tables import Quarantine
from training_pipeline.bundle import Bundle

STORM = "A sailing ship in a storm at sea"
TEXTS = [
    STORM,
    "A lighthouse on a rocky coast at night",
    "Two kittens asleep on a sofa",
    None,
    "A bowl of oranges and lemons",
    STORM,
    None,
]
# Few letters, as a tiny model spells them out.
LABELS = ["a ship", "a light", "kittens", None, "lemons", "a ship", None]
COLOURS = ["navy", "black", "pink", "brown", "orange", "blue", None]
PROFILES = ["Loves the sea and old boats", None, "Cats, cats, cats", "A cook who paints lemons"]
MINILM = {"library": "sentence_transformers", "model": "all-MiniLM-L6-v2", "precision": "float32"}
ENCODER: dict[str, Any] = {
    "text": {"minilm": MINILM},
    "image": {"colour_texture": {"library": "colour_texture"}},
}
FEATURES = {
    "about": {"kind": "text"},
    "label": {"kind": "text"},
    "picture": {"kind": "image"},
}
TOWER = np.random.default_rng(5).normal(size=(len(TEXTS), 4)).astype(np.float32)


def draw(colour: str, shift: int = 0) -> Image.Image:
    """A disc of one colour on white."""
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).ellipse((10 + shift, 10, 50 + shift, 40), fill=colour)
    return image


def publish_gallery(
    place: Path,
    encoder: dict[str, Any] = ENCODER,
    features: tuple[str, ...] = ("about", "picture"),
    users: tuple[str, ...] = ("profile",),
) -> Bundle:
    """Embeds the gallery as `make features` would, and lays the store where a bundle has it.

    Args:
        place: of the bundle.
        encoder: the encoders' config.
        features: which of `FEATURES` the items have: `TEXTS`, `LABELS` and pictures of `COLOURS`.
        users: their text features; each holds `PROFILES`.
    """
    raw = place / "raw"
    raw.mkdir(parents=True)
    for number, colour in enumerate(COLOURS):
        if colour:
            draw(colour, number).save(raw / f"{number}.png")
    ids = [f"item-{number}" for number in range(len(TEXTS))]
    pictures = [colour and f"{number}.png" for number, colour in enumerate(COLOURS)]
    columns = {"about": TEXTS, "label": LABELS, "picture": pictures}
    item_frame = pd.DataFrame(
        {
            "item_id": ids,
            "title": ids,
            **{name: pd.Series(columns[name], dtype="str") for name in features},
        }
    )
    profiles = {name: pd.Series(PROFILES, dtype="str") for name in users}
    user_frame = pd.DataFrame({"user_id": [f"user-{number}" for number in range(len(PROFILES))], **profiles})
    dataset = DatasetConfig.model_validate(
        {
            "name": "gallery",
            "reader": "movielens",
            "root": str(raw),
            "users": {"features": {name: {"kind": "text"} for name in users}},
            "items": {"title": "title", "features": {name: FEATURES[name] for name in features}},
            "interactions": {"user_id": "user_id", "item_id": "item_id", "event_time": "event_time"},
        }
    )
    config = EncoderConfig.model_validate(encoder)
    encoders = load_encoders(config)
    embedder = ContentEmbedder(raw, encoders, EmbeddingCache(place / "cache.sqlite"), Quarantine())
    tables = {"users": (user_frame, dataset.users), "items": (item_frame, dataset.items)}
    embedded = {
        table: embedder.embed(table, "a.csv", frame, mapping.features, np.ones(len(frame), bool))
        for table, (frame, mapping) in tables.items()
    }
    events = pd.DataFrame(
        {"user_id": ["user-0"], "item_id": ["item-0"], "event_time": [pd.Timestamp("2024-01-01")]}
    ).assign(event_order=0, weight=1.0, event_type="event")
    kinds = {feature.kind for _, mapping in tables.values() for feature in mapping.features.values()}
    store = write_store(
        parent=place / "store",
        tables={"users": user_frame, "items": item_frame, "quarantine": Quarantine().build_table()},
        interactions=Interactions(divide(events, "none"), [], events),
        vectors={table: list_vectors(own) for table, own in embedded.items()},
        outcomes={},
        projections=list_projections(embedded),
        dataset=dataset,
        specs=build_specs(dataset, [], encoders),
        features={},
        encoders=pin_encoders(config, encoders, kinds),
        notes={},
    )
    store.path.rename(place / "features")
    np.save(place / "item_embeddings.npy", TOWER)
    return Bundle(place, {"id": "gallery"})
