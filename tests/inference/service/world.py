"""What the tests of the service ask with: settings, events, another bundle, a recommender of the future."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.artefact import set_current
from feature_pipeline.errors import UserError
from feature_pipeline.events import Event
from feature_pipeline.feedback.config import FeedbackConfig
from inference.recommender import Recommender
from inference.service.config import ServeConfig, Settings
from tests.inference.service.changed import retitle, seal
from training_pipeline.bundle import Bundle
from training_pipeline.index_config import ExactConfig, IndexConfig

OTHER = "0123456789ab"


def make_feedback(place: Path) -> FeedbackConfig:
    """Logs that lie in `place`."""
    names = {name: place / f"{name}.sqlite" for name in ("users", "items")}
    weights = {"like": 1.0, "click": 0.5}
    return FeedbackConfig.model_validate(
        {"events": str(place / "events.sqlite"), **names, "weights": weights, "provenance": ["human"]}
    )


def make_settings(artifacts: Path, token: str | None = None, **changes: Any) -> Settings:
    """Settings for the tiny data set; the logs lie beside its bundles."""
    place = artifacts / "tiny"
    serve = {
        "host": "127.0.0.1",
        "port": 0,
        "workers": 1,
        "threads": 2,
        "queue": 8,
        "tensorflow_threads": 1,
        "limits": {"body_bytes": 300_000, "image_bytes": 100_000, "image_pixels": 250_000},
    }
    return Settings(
        bundles=place / "bundles",
        dataset="tiny",
        serve=ServeConfig.model_validate(serve | changes),
        feedback=make_feedback(place),
        index=ExactConfig(name="exact"),
        token=token,
    )


def copy_bundle(bundle: Bundle, artifacts: Path) -> Path:
    """A published copy of the tiny bundle that a test may change; returns its directory."""
    place = artifacts / "tiny" / "bundles" / bundle.id
    shutil.copytree(bundle.path, place)
    set_current(place.parent, place.name)
    return place


def write_other(bundle: Bundle, bundles: Path, bundle_id: str = OTHER) -> Path:
    """A bundle of another id, beside the current one, in which every title begins with `Other`."""
    place = bundles / bundle_id
    shutil.copytree(bundle.path, place)
    retitle(place, "Other")
    seal(place, id=bundle_id)
    return place


def damage(place: Path) -> None:
    """Changes one byte of a bundle behind its manifest's back."""
    file = place / "item_embeddings.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def write_event(event_id: str, **changes: Any) -> dict[str, Any]:
    """An event as a client sends it: a user who has not met it yet likes `item-39`."""
    return {
        "event_id": event_id,
        "user_id": "user-00",
        "item_id": "item-39",
        "event_type": "like",
        "event_time": "2024-05-01T12:00:00Z",
        "provenance": "human",
    } | changes


def make_event(event_id: str, **changes: Any) -> Event:
    return Event.model_validate(write_event(event_id, **changes))


class FutureRecommender(Recommender):
    """What the recommender is to become, as far as the service asks; it notes what it was asked."""

    def __init__(self, bundle: Bundle, index: IndexConfig) -> None:
        super().__init__(bundle, index)
        self.wishes: dict[str, Any] = {}
        self.searched: tuple[str | None, bytes | None] = (None, None)
        self.added: dict[str, dict[str, Any]] = {}
        self.removed: list[str] = []

    def similar(self, item_id: str, by: str, k: int, filters: Any = None) -> pd.DataFrame:
        if by != "tower":
            raise UserError(f"by {by!r} is unknown. Choices: tower")
        self.wishes = {"filters": filters}
        return self._list_first(k)

    def search(self, text: Any = None, image: Any = None, k: int = 10, filters: Any = None) -> pd.DataFrame:
        self.searched, self.wishes = (text, image), {"filters": filters}
        return self._list_first(k)

    def add_items(self, items: pd.DataFrame) -> None:
        self.added |= {row["item_id"]: row for row in items.to_dict("records")}

    def remove_items(self, item_ids: Sequence[str]) -> None:
        self.removed += item_ids

    def _list_first(self, k: int) -> pd.DataFrame:
        items = self.bundle.tables.items[["item_id", "title"]].head(k)
        rank = np.arange(1, len(items) + 1)
        return items.assign(rank=rank, score=(1 / rank).astype(np.float32))
