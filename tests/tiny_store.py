"""A tiny feature store with a known structure, written without encoders: 40 users, 40 items, two blocks.

Users of even number choose items 0-19 (block A), the others items 20-39 (block B), each item once. The last
of each user's twelve events lies in the last ten of a hundred days. These hold 9 % of all events, so that the
temporal split with its usual shares makes them test events. Special rows:

- `user-38` has three events, all in the last ten days;
- `user-39` has no events at all;
- `item-18` (block A) and `item-38` (block B) have events in the last ten days only;
- `item-39` has no events at all.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.encoders.load import pin_encoders
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.features.registry import load_features
from feature_pipeline.incremental import build_interactions
from feature_pipeline.specs import build_specs
from feature_pipeline.store import FeatureStore, write_store
from feature_pipeline.tables import Quarantine

NUM_USERS, NUM_ITEMS, EVENTS_A_USER, DIM = 40, 40, 12, 8
LATE_USER, SILENT_USER = "user-38", "user-39"
LATE_ITEMS, UNMET_ITEM = ("item-18", "item-38"), "item-39"
BLOCK_OF_USER = np.arange(NUM_USERS) % 2
BLOCK_OF_ITEM = np.arange(NUM_ITEMS) // (NUM_ITEMS // 2)
ENGINE = EngineConfig(name="duckdb", threads=1, memory_limit="1GB")
_DEFAULTS = Path(__file__).parent.parent / "conf/point_in_time/default.yaml"
DEFAULT_FEATURES = yaml.safe_load(_DEFAULTS.read_text())
# Two blocks show so plainly in these that a ranker of two dozen trees would read nothing else.
_TOO_PLAIN = ("pair_category", "pair_cooccurrence", "pair_transitions")
POINT_IN_TIME = {name: given for name, given in DEFAULT_FEATURES.items() if name not in _TOO_PLAIN}
ENCODER = EncoderConfig.model_validate(
    {
        "text": {"minilm": {"library": "sentence_transformers", "model": "all-MiniLM-L6-v2"}},
        "image": {"colour_texture": {"library": "colour_texture"}},
    }
)
# What a store says whose embeddings no encoder has made.
UNENCODED = pin_encoders(ENCODER, {}, ())

_NUM_LATE = 3
_FIRST_DAY = np.datetime64("2024-01-01", "us")
_MINUTES = 100 * 24 * 60
_LATE_MINUTE = _MINUTES * 9 // 10


def write_tiny_store(artifacts: Path, dataset: str = "tiny", seed: int = 0) -> FeatureStore:
    """Publishes the store as the live one of `dataset` under `artifacts`.

    Args:
        artifacts: folder of feature stores, bundles and runs.
        dataset: name of the data set.
        seed: of everything drawn at random.
    """
    rng = np.random.default_rng(seed)
    users, items, events = _build_users(rng), _build_items(rng), _build_interactions(rng)
    vectors = rng.normal(size=(NUM_ITEMS, DIM)).astype(np.float32)
    missing = np.arange(NUM_ITEMS) == NUM_ITEMS - 1
    config = _build_config(dataset)
    features = list(load_features(POINT_IN_TIME).values())
    specs = build_specs(config, features)
    builder = FeatureBuilder.of_table(connect(ENGINE), features, list_columns(specs), items, events, {}, {})
    return write_store(
        parent=artifacts / dataset / "features",
        tables={"users": users, "items": items, "quarantine": Quarantine().build_table()},
        interactions=build_interactions(events, builder, None),
        vectors={"items": {"text_embedding": (vectors, missing)}},
        outcomes={},
        projections={},
        dataset=config,
        specs=specs,
        features=POINT_IN_TIME,
        encoders=UNENCODED,
        notes={"event_time": {"first": "2024-01-01T00:00:00", "last": "2024-04-10T00:00:00"}},
    )


def _build_users(rng: np.random.Generator) -> pd.DataFrame:
    """`age` is missing for one user; `country` says nothing about the block."""
    ages = rng.integers(18, 80, NUM_USERS).astype(float)
    ages[3] = np.nan
    countries = [[name] for name in rng.choice(["Peru", "Mali"], NUM_USERS)]
    return pd.DataFrame({"user_id": _name("user", NUM_USERS), "age": ages, "country": countries})


def _build_items(rng: np.random.Generator) -> pd.DataFrame:
    """`shape` tells the block, but for one item it is not known."""
    shapes = [["round" if block == 0 else "square"] for block in BLOCK_OF_ITEM]
    shapes[5] = []
    return pd.DataFrame(
        {
            "item_id": _name("item", NUM_ITEMS),
            "title": [f"Thing {item}" for item in range(NUM_ITEMS)],
            "shape": shapes,
            "price": rng.lognormal(3, 1, NUM_ITEMS),
            "text": [f"Text about thing {item}" for item in range(NUM_ITEMS)],
        }
    )


def _build_interactions(rng: np.random.Generator) -> pd.DataFrame:
    """Different items of the own block for each user; every fourth user's last item is a late one."""
    events = []
    for user in range(NUM_USERS - 1):
        block = BLOCK_OF_USER[user]
        minutes = _draw_minutes(rng, _NUM_LATE if user == 38 else EVENTS_A_USER, is_late=user == 38)
        usual = np.setdiff1d(np.flatnonzero(block == BLOCK_OF_ITEM), (18, 38, 39))
        chosen = rng.choice(usual, len(minutes), replace=False)
        if user % 8 < 2:
            chosen[-1] = (18, 38)[block]
        events += [(f"user-{user:02}", f"item-{i:02}", m) for i, m in zip(chosen, minutes, strict=True)]
    frame = pd.DataFrame(events, columns=["user_id", "item_id", "minute"])
    frame = frame.astype({"user_id": "str", "item_id": "str"})
    frame["event_time"] = _FIRST_DAY + frame.pop("minute").to_numpy() * np.timedelta64(60_000_000, "us")
    frame["event_order"] = np.arange(len(frame))
    frame["weight"] = 1.0
    frame["event_type"] = "event"
    frame["device"] = [[name] for name in rng.choice(["phone", "desk"], len(frame))]
    return frame.sort_values(["event_time", "event_order"], ignore_index=True)


def _draw_minutes(rng: np.random.Generator, count: int, is_late: bool) -> np.ndarray:
    """Different minutes of 100 days, ascending: the last one, or all, in the last ten days."""
    last_days = _LATE_MINUTE + rng.choice(_MINUTES - _LATE_MINUTE, count, replace=False)
    before = rng.choice(_LATE_MINUTE, count - 1, replace=False)
    return np.sort(last_days if is_late else np.append(before, last_days[0]))


def _build_config(dataset: str) -> DatasetConfig:
    return DatasetConfig.model_validate(
        {
            "name": dataset,
            "reader": "movielens",
            "root": "raw",
            "users": {
                "key": "user_id",
                "features": {"age": {"kind": "numeric"}, "country": {"kind": "categorical"}},
            },
            "items": {
                "key": "item_id",
                "title": "title",
                "features": {
                    "shape": {"kind": "categorical"},
                    "price": {"kind": "numeric"},
                    "text": {"kind": "text"},
                },
            },
            "interactions": {
                "user_id": "user_id",
                "item_id": "item_id",
                "event_time": "event_time",
                "context": {"device": {"kind": "categorical"}},
            },
        }
    )


def _name(kind: str, count: int) -> pd.Series:
    return pd.Series([f"{kind}-{place:02}" for place in range(count)], dtype="str")
