"""How recommendations are printed."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from feature_pipeline.schema import ITEM_ID, TITLE, USER_ID
from inference.columns import CHANCE, FUSED, RANK, RANKING_SCORE, REASONS, SCORE
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

TITLE_WIDTH = 40


def render_table(recommendations: pd.DataFrame) -> str:
    """One aligned line for each recommendation: rank, title, both scores, chance, reasons."""
    lines = [("rank", "title", "retrieval", "ranking", "chance", "reasons")]
    for row in recommendations.to_dict("records"):
        chance = "" if math.isnan(row[CHANCE]) else f"{row[CHANCE]:.1%}"
        scores = f"{row[RETRIEVAL_SCORE]:.3f}", f"{row[RANKING_SCORE]:.3f}", chance
        lines.append((str(row[RANK]), _shorten(row), *scores, "; ".join(row[REASONS])))
    return _align(lines)


def render_found(found: pd.DataFrame) -> str:
    """One aligned line for each item that a search found: rank, id, title, score."""
    rows = found.to_dict("records")
    lines = [(str(row[RANK]), row[ITEM_ID], _shorten(row), f"{row[SCORE]:.3f}") for row in rows]
    return _align([("rank", "item", "title", "score"), *lines])


def render_found_json(bundle_id: str, found: pd.DataFrame) -> str:
    """One JSON object: `bundle`, `items`, and how text and picture were `fused` where both were asked."""
    fused = {FUSED: found.attrs[FUSED]} if found.attrs.get(FUSED) else {}
    answer = {"bundle": bundle_id, **fused, "items": found.to_dict("records")}
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def _shorten(row: Mapping[Any, Any]) -> str:
    title: str = row[TITLE] or row[ITEM_ID]
    return title if len(title) <= TITLE_WIDTH else title[: TITLE_WIDTH - 1] + "…"


def _align(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def render_json(user_id: str | None, bundle_id: str, recommendations: pd.DataFrame) -> str:
    """One JSON object: `user_id`, `bundle`, `recommendations`."""
    shown = recommendations.drop(columns=USER_ID)
    if shown[CHANCE].isna().any():  # a bundle without a ranker, and JSON knows no NaN
        shown = shown.drop(columns=CHANCE)
    rows = shown.to_dict("records")
    answer = {"user_id": user_id, "bundle": bundle_id, "recommendations": rows}
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)
