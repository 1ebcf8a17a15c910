"""A tiny invented shop: three raw tables as a reader would return them, and the config that maps them."""

from typing import Any

import pandas as pd

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.sources.raw import RawTable, RawTables

Columns = dict[str, list[Any]]

USERS: Columns = {
    "customer": ["007", "7", "u3"],
    "age": [31.0, None, 45.0],
    "joined": ["2024-01-05", None, "2024-02-01"],
}
ITEMS: Columns = {
    "sku": ["b", "a"],
    "name": ["Blue cup", "Apple tree"],
    "kinds": ["cup|blue", None],
    "blurb": ["For tea", None],
    "photo": ["blue.png", None],
}
EVENTS: Columns = {
    "customer": ["u3", "007", "7", "007"],
    "sku": ["a", "b", "b", "a"],
    "at": ["2024-03-02T10:00:00Z", "2024-03-01", "2024-03-01", "2024-03-01"],
    "stars": [5.0, 4.0, 3.0, 1.0],
    "device": ["phone", None, "phone", "desk"],
}


def make_raw(
    users: Columns | None = None, items: Columns | None = None, events: Columns | None = None
) -> RawTables:
    """The three raw tables; given columns replace or join the usual ones."""
    return RawTables(
        users=make_table(USERS | (users or {}), "users.csv"),
        items=make_table(ITEMS | (items or {}), "items.csv"),
        interactions=make_table(EVENTS | (events or {}), "events.csv"),
    )


def make_table(columns: Columns, file: str) -> RawTable:
    """Rows at line 2 and on, as below a header."""
    frame = pd.DataFrame(columns)
    return RawTable(frame.set_axis(range(2, len(frame) + 2)), file)


def describe_dataset(**changes: Any) -> dict[str, Any]:
    """The data set's YAML as a dictionary, with top-level keys replaced."""
    return {
        "name": "shop",
        "reader": "movielens",
        "root": "shop",
        "max_quarantine_share": 0.5,
        "users": {"key": "customer", "features": {"age": {"kind": "numeric"}}},
        "items": {
            "key": "sku",
            "title": "name",
            "features": {
                "kinds": {"kind": "categorical", "separator": "|"},
                "text": {"kind": "text", "template": "{name}: {blurb}"},
                "picture": {"kind": "image", "column": "photo"},
            },
        },
        "interactions": {"user_id": "customer", "item_id": "sku", "event_time": "at", "weight": "stars"},
    } | changes


def make_dataset(**changes: Any) -> DatasetConfig:
    """The config of the invented shop."""
    return DatasetConfig.model_validate(describe_dataset(**changes))
