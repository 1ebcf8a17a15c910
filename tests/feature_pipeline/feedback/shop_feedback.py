"""Logs of the shop: what people did there since its files were written."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feature_pipeline.events import Event
from feature_pipeline.feedback.changes import Change
from feature_pipeline.feedback.config import FeedbackConfig
from feature_pipeline.feedback.logs import FeedbackLogs

FIRST = datetime(2024, 6, 3, 12, tzinfo=UTC)


def make_config(place: Path, **changes: Any) -> FeedbackConfig:
    """Logs that lie in `place`, as they do beside a data set's artefacts."""
    given = {
        "events": str(place / "events.sqlite"),
        "users": place / "users.sqlite",
        "items": place / "items.sqlite",
        "weights": {"like": 1.0, "click": 0.5},
        "provenance": ["human", "simulated", "imported"],
    }
    return FeedbackConfig.model_validate(given | changes)


def act(event_id: str, user: str, item: str, kind: str = "like", minutes: float = 0, **more: Any) -> Event:
    """What somebody did, some minutes after `FIRST`."""
    return Event(
        event_id=event_id,
        user_id=user,
        item_id=item,
        event_type=kind,
        event_time=FIRST + timedelta(minutes=minutes),
        provenance="human",
        **more,
    )


def write_logs(
    config: FeedbackConfig,
    events: Sequence[Event] = (),
    users: Mapping[str, Mapping[str, Any]] | None = None,
    items: Mapping[str, Mapping[str, Any]] | None = None,
    removed: Sequence[str] = (),
) -> None:
    """Appends to the logs, as the service does."""
    with closing(FeedbackLogs(config)) as logs:
        for user_id, profile in (users or {}).items():
            logs.users.append(Change("add", [{"user_id": user_id, "profile": profile}]))
        for item_id, features in (items or {}).items():
            row = {"item_id": item_id, "title": f"New {item_id}", "features": features}
            logs.items.append(Change("add", [row]))
        if removed:
            logs.items.append(Change("remove", [{"item_id": item_id} for item_id in removed]))
        logs.events.append(events)
