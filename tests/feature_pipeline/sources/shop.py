"""An invented shop in files and databases, for the reader `tables`."""

from pathlib import Path
from typing import Any

from feature_pipeline.dataset_config import DatasetConfig

EVENTS_CSV = "customer,sku,at,stars\n007,1,2024-03-01,5\n7,2,1709337600,4\n007,2,20240303,\n"
ITEMS_CSV = 'sku,name,kinds\n1,"Blue\ncup",cup|blue\n\n2,"The ""tree""",\n'


def make_config(root: Path, **changes: Any) -> DatasetConfig:
    """Events and items from CSV files, users from the events; top-level keys may be replaced."""
    described: dict[str, Any] = {
        "name": "shop",
        "reader": "tables",
        "root": str(root),
        "items": {"file": "items.csv", "key": "sku", "title": "name"},
        "interactions": describe_events(file="events.csv"),
    }
    return DatasetConfig.model_validate(described | changes)


def describe_events(**place: Any) -> dict[str, Any]:
    """The mapping of the events, at a place."""
    return {"user_id": "customer", "item_id": "sku", "event_time": "at", "weight": "stars", **place}


def write_shop(root: Path, events: str = EVENTS_CSV, items: str = ITEMS_CSV) -> Path:
    """Both CSV files."""
    (root / "events.csv").write_text(events, encoding="utf-8")
    (root / "items.csv").write_text(items, encoding="utf-8")
    return root
