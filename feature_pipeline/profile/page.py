"""The profile of a feature store: one page that needs no network and no other file."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd

from feature_pipeline.config import SplitConfig
from feature_pipeline.html import render
from feature_pipeline.profile import numbers, summaries
from feature_pipeline.profile.cold import Part, describe_split
from feature_pipeline.profile.events import HEAD, describe_events
from feature_pipeline.profile.neighbours import Sheet, build_sheets
from feature_pipeline.profile.thumbnails import read_thumbnail
from feature_pipeline.schema import ITEM_ID, TITLE, FeatureSpec
from feature_pipeline.splits import SplitError
from feature_pipeline.store import FeatureStore

TEMPLATE = Path(__file__).with_name("page.html.j2")

_EXCERPT = 180


@dataclass(frozen=True)
class Card:
    """An item as a sheet shows it.

    Attributes:
        title: its title, or its id where it has none.
        text: the beginning of its text; empty on a sheet of images.
        picture: data URI of its image; None on a sheet of texts, or where it cannot be shown.
    """

    title: str
    text: str
    picture: str | None


def write_profile(store: FeatureStore, root: Path, split: SplitConfig, place: Path) -> None:
    """Writes what the store holds as a self-contained HTML page.

    Args:
        store: an opened feature store.
        root: folder of the raw files; image columns hold paths relative to it. Images that are no longer
            there show as blanks.
        split: how events divide; where the events are too few for it, the page says so.
        place: the file to write; its folder is made if need be.
    """
    page = render(
        TEMPLATE,
        store=store,
        split=split.name,
        **_describe_interactions(store, split),
        **_describe_entities(store, root),
        set_aside=summaries.describe_quarantine(store.read_table("quarantine")),
        quantile_names=list(summaries.QUANTILES),
        count=numbers.format_count,
        share=numbers.format_share,
        number=numbers.format_value,
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page, encoding="utf-8")


def _describe_interactions(store: FeatureStore, split: SplitConfig) -> dict[str, Any]:
    """What the page says of the largest table, which is let go on return."""
    interactions, specs = store.read_table("interactions"), store.get_specs("interactions")
    parts, split_error = _try_split(interactions, split)
    return {
        "events": describe_events(interactions),
        "head": HEAD,
        "parts": parts,
        "split_error": split_error,
        "interactions": summaries.describe_table("interactions", interactions, specs, {}),
        "computed": _find_computed(store, specs),
    }


def _describe_entities(store: FeatureStore, root: Path) -> dict[str, Any]:
    items, specs, vectors = store.read_table("items"), store.get_specs("items"), store.read_vectors("items")
    user_vectors = store.read_vectors("users")
    sheets = build_sheets(items, specs, vectors)
    return {
        "items": summaries.describe_table("items", items, specs, vectors),
        "users": summaries.describe_table(
            "users", store.read_table("users"), store.get_specs("users"), user_vectors
        ),
        "sheets": [(sheet, _make_cards(sheet, items, root)) for sheet in sheets],
        "dimensions": {
            f"{table}.{column}": array.shape[1]
            for table, arrays in (("items", vectors), ("users", user_vectors))
            for column, array in arrays.items()
        },
    }


def _try_split(interactions: pd.DataFrame, split: SplitConfig) -> tuple[list[Part], str | None]:
    try:
        return describe_split(interactions, split), None
    except SplitError as error:
        return [], str(error)


def _find_computed(store: FeatureStore, specs: list[FeatureSpec]) -> set[str]:
    """Names of the interactions' features that the pipeline computed, as opposed to read."""
    return {spec.name for spec in specs} - store.dataset.interactions.context.keys()


def _make_cards(sheet: Sheet, items: pd.DataFrame, root: Path) -> dict[int, Card]:
    """A card for every row of `items` on the sheet."""
    near = [row for found in sheet.neighbours.values() for nearest in found.values() for row, _ in nearest]
    rows = items.iloc[sorted({*sheet.neighbours, *near})]
    return {
        int(place): _make_card(row, sheet, root)
        for place, row in zip(sorted({*sheet.neighbours, *near}), rows.to_dict("records"), strict=True)
    }


def _make_card(item: dict[Any, Any], sheet: Sheet, root: Path) -> Card:
    content, title = item[sheet.feature], item[TITLE] or item[ITEM_ID]
    if not isinstance(content, str):
        return Card(title, "", None)
    if sheet.kind == "image":
        return Card(title, "", read_thumbnail(root / content))
    return Card(title, shorten(content[: 2 * _EXCERPT], _EXCERPT, placeholder=" …"), None)
