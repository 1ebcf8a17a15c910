"""How recommendations are printed."""

import json
import math

import pandas as pd

from feature_pipeline.schema import ITEM_ID, TITLE, USER_ID
from inference.catalogue import RANK
from inference.recommender import CHANCE, RANKING_SCORE, REASONS
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

TITLE_WIDTH = 40


def render_table(recommendations: pd.DataFrame) -> str:
    """One aligned line for each recommendation: rank, title, both scores, chance, reasons."""
    lines = [("rank", "title", "retrieval", "ranking", "chance", "reasons")]
    for row in recommendations.to_dict("records"):
        title = row[TITLE] or row[ITEM_ID]
        shown = title if len(title) <= TITLE_WIDTH else title[: TITLE_WIDTH - 1] + "…"
        chance = "" if math.isnan(row[CHANCE]) else f"{row[CHANCE]:.1%}"
        scores = f"{row[RETRIEVAL_SCORE]:.3f}", f"{row[RANKING_SCORE]:.3f}", chance
        lines.append((str(row[RANK]), shown, *scores, "; ".join(row[REASONS])))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def render_json(user_id: str, bundle_id: str, recommendations: pd.DataFrame) -> str:
    """One JSON object: `user_id`, `bundle`, `recommendations`."""
    shown = recommendations.drop(columns=USER_ID)
    if shown[CHANCE].isna().any():  # a bundle without a ranker, and JSON knows no NaN
        shown = shown.drop(columns=CHANCE)
    rows = shown.to_dict("records")
    answer = {"user_id": user_id, "bundle": bundle_id, "recommendations": rows}
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)
