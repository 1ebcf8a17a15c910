"""What the tests of the service ask with: settings, events, another bundle, a service on a copy."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from feature_pipeline.artefact import set_current
from feature_pipeline.events import Event
from feature_pipeline.feedback.config import FeedbackConfig
from inference.service.app import create_app
from inference.service.config import ServeConfig, Settings
from tests.inference.service.changed import retitle, seal
from training_pipeline.bundle import Bundle
from training_pipeline.index_config import ExactConfig

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


@contextmanager
def serve_copy(bundle: Bundle, artifacts: Path) -> Iterator[TestClient]:
    """A service on a copy of a bundle, with logs of its own."""
    copy_bundle(bundle, artifacts)
    with TestClient(create_app(make_settings(artifacts), threading.Event())) as client:
        yield client


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
