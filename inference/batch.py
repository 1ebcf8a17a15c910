"""Recommendations for everybody in one file: block by block, in constant memory, resumable."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from feature_pipeline.artefact import hash_text
from feature_pipeline.schema import ITEM_ID, USER_ID
from inference.columns import CHANCE, RANK, RANKING_SCORE
from inference.recommender import Recommender
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

SCHEMA = pa.schema(
    {
        USER_ID: pa.string(),
        ITEM_ID: pa.string(),
        RANK: pa.int32(),
        RETRIEVAL_SCORE: pa.float32(),
        RANKING_SCORE: pa.float32(),
        CHANCE: pa.float32(),
    }
)
BLOCK = 256


def write_all(
    recommender: Recommender,
    k: int,
    out: Path,
    as_of: datetime | None = None,
    context: dict[str, str] | None = None,
) -> int:
    """Recommends to every user of the bundle and writes `out`; returns the number of rows.

    Each block of users is kept beside `out` as soon as it is done. When the same is asked for again after a
    run that was stopped, these are not computed anew. The file appears whole or not at all.

    Args:
        recommender: who recommends.
        k: how many items for each user.
        out: the Parquet file, in the columns of `SCHEMA`; its folder is made if need be.
        as_of: see `Recommender.recommend`.
        context: see `Recommender.recommend`.
    """
    asked = json.dumps([recommender.bundle.id, k, str(as_of), context or {}, BLOCK])
    parts = out.with_name(f".{out.name}.{hash_text(asked)}")
    parts.mkdir(parents=True, exist_ok=True)
    files = list(_write_parts(recommender, k, parts, as_of, context))
    rows = _join(files, out)
    shutil.rmtree(parts)
    return rows


def _write_parts(
    recommender: Recommender,
    k: int,
    parts: Path,
    as_of: datetime | None,
    context: dict[str, str] | None,
) -> Iterator[Path]:
    """A file for each block of users, in their order, with a bar on stderr where that is a terminal."""
    user_ids = list(recommender.bundle.tables.users[USER_ID])
    with tqdm(total=len(user_ids), unit="user", disable=None) as bar:
        for start in range(0, len(user_ids), BLOCK):
            block, part = user_ids[start : start + BLOCK], parts / f"{start:012}.parquet"
            if not part.exists():
                _write(recommender.recommend(block, k, as_of, context), part)
            bar.update(len(block))
            yield part


def _write(recommendations: pd.DataFrame, part: Path) -> None:
    work = part.with_suffix(f".{os.getpid()}")
    table = pa.Table.from_pandas(recommendations, SCHEMA, preserve_index=False)
    pq.write_table(table, work, compression="zstd")
    work.replace(part)


def _join(parts: list[Path], out: Path) -> int:
    """One file of all parts; only one of them is in memory at a time."""
    work = out.with_name(f".{out.name}.{os.getpid()}")
    rows = 0
    try:
        with pq.ParquetWriter(work, SCHEMA, compression="zstd") as writer:
            for part in parts:
                table = pq.read_table(part)
                writer.write_table(table)
                rows += len(table)
        work.replace(out)
    finally:
        work.unlink(missing_ok=True)
    return rows
