"""How recommendations are printed and written."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from feature_pipeline.schema import ITEM_ID, TITLE, USER_ID
from inference.recommender import RANK, RANKING_SCORE, REASONS
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

SCORE_COLUMNS = (USER_ID, ITEM_ID, RANK, RETRIEVAL_SCORE, RANKING_SCORE)
TITLE_WIDTH = 40


def render_table(recommendations: pd.DataFrame) -> str:
    """One aligned line for each recommendation: rank, title, both scores, reasons."""
    lines = [("rank", "title", "retrieval", "ranking", "reasons")]
    for row in recommendations.to_dict("records"):
        title = row[TITLE] if len(row[TITLE]) <= TITLE_WIDTH else row[TITLE][: TITLE_WIDTH - 1] + "…"
        scores = f"{row[RETRIEVAL_SCORE]:.3f}", f"{row[RANKING_SCORE]:.3f}"
        lines.append((str(row[RANK]), title or row[ITEM_ID], *scores, "; ".join(row[REASONS])))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def render_json(user_id: str, bundle_id: str, recommendations: pd.DataFrame) -> str:
    """One JSON object: `user_id`, `bundle`, `recommendations`."""
    rows = recommendations.drop(columns=USER_ID).to_dict("records")
    answer = {"user_id": user_id, "bundle": bundle_id, "recommendations": rows}
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def write_batch(blocks: Iterable[pd.DataFrame], path: Path) -> int:
    """Writes `user_id, item_id, rank, retrieval_score, ranking_score` as Parquet; returns the number of rows.

    The file appears whole or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for block in blocks:
            table = pa.Table.from_pandas(block[list(SCORE_COLUMNS)], preserve_index=False).replace_schema_metadata()
            writer = writer or pq.ParquetWriter(work, table.schema, compression="zstd")
            writer.write_table(table)
            rows += len(block)
        if writer:
            writer.close()
            os.replace(work, path)
        return rows
    finally:
        work.unlink(missing_ok=True)
