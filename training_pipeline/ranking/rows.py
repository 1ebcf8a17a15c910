"""Ranking rows: one for each candidate of each query, with everything the ranker reads.

Training and serving build their rows here, from the same feature builder.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from feature_pipeline.columns import to_float
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.schema import FeatureSpec
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.retrieval.dataset import Tables

RETRIEVAL_SCORE = "retrieval_score"
RETRIEVAL_RANK = "retrieval_rank"
RETRIEVAL_SPECS = (
    FeatureSpec(RETRIEVAL_SCORE, "pair", "numeric", "close to what you chose before"),
    FeatureSpec(RETRIEVAL_RANK, "pair", "numeric", "close to what you chose before"),
)
_QUERIES_AT_ONCE = 1024
# Text, images and embeddings enter through the builder's similarities.
_PLAIN_KINDS = ("numeric", "categorical", "timestamp")


@dataclass(frozen=True)
class RankingRows:
    """What the ranker reads.

    Attributes:
        frame: one row for each candidate, query by query; numbers float32, categories str.
        query: row of the query [num_rows] int64, ascending.
        item: item position [num_rows] int32.
    """

    frame: pd.DataFrame
    query: np.ndarray
    item: np.ndarray

    def take(self, rows: np.ndarray) -> "RankingRows":
        """The rows at these places [num_chosen] int, ascending."""
        return RankingRows(self.frame.iloc[rows].reset_index(drop=True), self.query[rows], self.item[rows])


def list_specs(tables: Tables, builder: FeatureBuilder) -> list[FeatureSpec]:
    """The columns of a ranking row that the ranker reads, in order."""
    declared = [spec for table in ("users", "interactions", "items") for spec in tables.specs[table]]
    plain = [spec for spec in declared if spec.kind in _PLAIN_KINDS]
    return [*RETRIEVAL_SPECS, *plain, *builder.row_specs]


def build_ranking_rows(
    queries: pd.DataFrame, candidates: Candidates, tables: Tables, builder: FeatureBuilder
) -> RankingRows:
    """Builds the rows of some queries.

    Args:
        queries: `user_id, as_of, as_of_order`, and the moment's features.
        candidates: of each query.
        tables: users and items, for their declared features.
        builder: computes the features of rows as of each query.
    """
    query, place = np.nonzero(candidates.items >= 0)
    item = candidates.items[query, place]
    user = tables.find_users(queries)[query]
    sources = {"users": (tables.users, user), "interactions": (queries, query), "items": (tables.items, item)}
    columns: dict[str, np.ndarray] = {
        RETRIEVAL_SCORE: candidates.scores[query, place],
        RETRIEVAL_RANK: place.astype(np.float32),
    }
    for table, (frame, rows) in sources.items():
        for spec in tables.specs[table]:
            if spec.kind in _PLAIN_KINDS:
                columns[spec.name] = _read_column(frame[spec.name], spec.kind)[rows]
    computed = _compute_in_blocks(queries, candidates.items, builder).astype(np.float32)
    return RankingRows(pd.concat([pd.DataFrame(columns), computed], axis=1), query, item)


def _compute_in_blocks(queries: pd.DataFrame, items: np.ndarray, builder: FeatureBuilder) -> pd.DataFrame:
    """The builder's columns, some queries at a time: bounds the memory, and moves a progress bar."""
    starts = range(0, max(len(queries), 1), _QUERIES_AT_ONCE)
    bar = tqdm(starts, desc="ranking rows", unit="block", disable=None if len(starts) > 1 else True)
    computed = []
    for start in bar:
        block = slice(start, start + _QUERIES_AT_ONCE)
        computed.append(builder.compute_row_features(queries.iloc[block], items[block]))
    return pd.concat(computed, ignore_index=True)


def _read_column(values: pd.Series, kind: str) -> np.ndarray:
    if kind == "categorical":
        return values.map("|".join).to_numpy()
    return to_float(values).astype(np.float32)
