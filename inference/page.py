"""One self-contained page: what a user met before, and what is recommended, as pictures."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from feature_pipeline.schema import EVENT_TIME, ITEM_ID, TITLE
from inference.recommender import RANKING_SCORE, REASONS
from training_pipeline.bundle import Bundle
from training_pipeline.ranking.rows import RETRIEVAL_SCORE


def write_page(path: Path, bundle: Bundle, user_id: str, history: pd.DataFrame, recommendations: pd.DataFrame) -> None:
    """Writes the page.

    Args:
        path: the HTML file.
        bundle: names the items' declared features, and where their pictures lie.
        user_id: whose page it is.
        history: see `Recommender.get_history`.
        recommendations: see `Recommender.recommend`, with reasons.
    """
    items = bundle.tables.items.set_index(ITEM_ID)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.j2").render(
        user_id=user_id,
        bundle_id=bundle.id,
        dataset=bundle.store.dataset.name,
        profile=_describe_user(bundle, user_id),
        history=[
            _build_card(bundle, items.loc[row[ITEM_ID]], f"{row[EVENT_TIME]:%d %b %Y}") for _, row in history.iterrows()
        ],
        recommendations=[
            _build_card(
                bundle,
                items.loc[row[ITEM_ID]],
                f"retrieval {row[RETRIEVAL_SCORE]:.3f} · ranking {row[RANKING_SCORE]:.3f}",
                row[REASONS],
            )
            for _, row in recommendations.iterrows()
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _build_card(bundle: Bundle, item: pd.Series, note: str, reasons: list[str] | None = None) -> dict[str, Any]:
    return {
        "title": item[TITLE] or item.name,
        "facts": _describe(item, [s.name for s in bundle.tables.specs["items"] if s.kind in ("categorical", "numeric")]),
        "picture": _read_picture(bundle, item),
        "note": note,
        "reasons": reasons or [],
    }


def _describe_user(bundle: Bundle, user_id: str) -> str:
    users = bundle.tables.users.set_index("user_id")
    return _describe(users.loc[user_id], [s.name for s in bundle.tables.specs["users"] if s.kind != "embedding"])


def _describe(row: Mapping[str, Any], names: list[str]) -> str:
    """The row's declared values that a person can read, in one line."""
    parts = []
    for name in names:
        value = row[name]
        if isinstance(value, str) and value:
            parts.append(value)
        elif isinstance(value, float | int) and value == value:
            parts.append(f"{value:g}")
        elif hasattr(value, "__len__") and not isinstance(value, str):
            parts.append(", ".join(value))
    return " · ".join(part for part in parts if part)


def _read_picture(bundle: Bundle, item: pd.Series) -> str | None:
    """The item's picture as a data URI; None where it has none, or the raw files are gone."""
    names = [spec.name for spec in bundle.tables.specs["items"] if spec.kind == "image"]
    if not names or not isinstance(item[names[0]], str):
        return None
    file = Path(bundle.store.dataset.root) / item[names[0]]
    if not file.is_file():
        return None
    kind = "png" if file.suffix.lower() == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"
