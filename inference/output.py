"""How recommendations are printed and written."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from feature_pipeline.schema import ITEM_ID, TITLE, USER_ID
from inference.recommender import CHANCE, RANK, RANKING_SCORE, REASONS
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

BATCH_SCHEMA = pa.schema(
    {
        USER_ID: pa.string(),
        ITEM_ID: pa.string(),
        RANK: pa.int32(),
        RETRIEVAL_SCORE: pa.float32(),
        RANKING_SCORE: pa.float32(),
        CHANCE: pa.float32(),
    }
)
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


def write_batch(blocks: Iterable[pd.DataFrame], path: Path) -> int:
    """Writes recommendations as Parquet in the columns of `BATCH_SCHEMA`; returns the number of rows.

    One block after another is written, so that they need not fit in memory together. The file appears whole
    or not at all.

    Args:
        blocks: see `Recommender.recommend`.
        path: the file; its folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    rows = 0
    try:
        with pq.ParquetWriter(work, BATCH_SCHEMA, compression="zstd") as writer:
            for block in blocks:
                writer.write_table(pa.Table.from_pandas(block, BATCH_SCHEMA, preserve_index=False))
                rows += len(block)
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)
    return rows
