"""One self-contained page: what a user met before, and what is recommended, as pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from feature_pipeline.html import render
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, TITLE, USER_ID, FeatureSpec
from inference.cards import describe, read_picture
from inference.columns import RANKING_SCORE, REASONS
from training_pipeline.bundle import Bundle
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

TEMPLATE = Path(__file__).with_name("page.html.j2")


def write_page(
    path: Path, bundle: Bundle, user_id: str, history: pd.DataFrame, recommendations: pd.DataFrame
) -> None:
    """Writes the page.

    Args:
        path: the HTML file; its folder is made if need be.
        bundle: names the items' declared features, and where their pictures lie.
        user_id: whose page it is.
        history: see `Recommender.get_history`.
        recommendations: see `Recommender.recommend`, with reasons.
    """
    items = bundle.tables.items.set_index(ITEM_ID)
    users = bundle.tables.users.set_index(USER_ID)
    page = render(
        TEMPLATE,
        user_id=user_id,
        bundle_id=bundle.id,
        dataset=bundle.store.dataset.name,
        profile=_describe(
            users.loc[user_id], bundle.tables.specs["users"], ("categorical", "numeric", "text")
        ),
        history=[
            _build_card(bundle, items.loc[row[ITEM_ID]], f"{row[EVENT_TIME]:%d %b %Y}", [])
            for row in history.to_dict("records")
        ],
        recommendations=[
            _build_card(bundle, items.loc[row[ITEM_ID]], _describe_scores(row), row[REASONS])
            for row in recommendations.to_dict("records")
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _build_card(bundle: Bundle, item: Any, note: str, reasons: list[str]) -> dict[str, Any]:
    specs = bundle.tables.specs["items"]
    return {
        "title": item[TITLE] or item.name,
        "facts": _describe(item, specs, ("categorical", "numeric")),
        "picture": read_picture(Path(bundle.store.dataset.root), item, specs),
        "note": note,
        "reasons": reasons,
    }


def _describe(row: Any, specs: Sequence[FeatureSpec], kinds: Sequence[str]) -> str:
    return " · ".join(describe(row, specs, kinds).values())


def _describe_scores(row: dict[Any, Any]) -> str:
    return f"retrieval {row[RETRIEVAL_SCORE]:.3f} · ranking {row[RANKING_SCORE]:.3f}"
