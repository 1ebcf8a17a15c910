"""Ranking rows: one for each candidate of each query, with everything the ranker reads.

Training and serving build their rows here, from the same feature builder and the same fitted signals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from tqdm import tqdm

from feature_pipeline.columns import to_float
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.schema import FeatureSpec
from training_pipeline.config import RankerConfig
from training_pipeline.linear.signals import LENGTH, Signal
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.retrieval.dataset import Tables

RETRIEVAL_SCORE = "retrieval_score"
RETRIEVAL_RANK = "retrieval_rank"
RETRIEVAL_GAP = "retrieval_gap"
CLOSE = "close to what you chose before"
RETRIEVAL_SPECS = (
    FeatureSpec(RETRIEVAL_SCORE, "pair", "numeric", CLOSE),
    FeatureSpec(RETRIEVAL_RANK, "pair", "numeric", CLOSE),
    # How far the score lies below that of the first candidate.
    FeatureSpec(RETRIEVAL_GAP, "pair", "numeric", CLOSE),
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
        vectors: embeddings of all items that the ranker reads as such [num_items, dim] float32 by name.
    """

    frame: pd.DataFrame
    query: np.ndarray
    item: np.ndarray
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)

    def take(self, rows: np.ndarray) -> "RankingRows":
        """The rows at these places [num_chosen] int, ascending."""
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return RankingRows(frame, self.query[rows], self.item[rows], self.vectors)


@dataclass(frozen=True)
class RowBuilder:
    """Builds the rows of any queries.

    Attributes:
        tables: users and items, for their declared features.
        features: computes the features of rows as of each query.
        of_items: the items' declared columns as the ranker reads them [num_items] each.
        signals: score candidates by the history.
        vectors: see `RankingRows`.
    """

    tables: Tables
    features: FeatureBuilder
    of_items: Mapping[str, np.ndarray]
    signals: Sequence[Signal] = ()
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def specs(self) -> list[FeatureSpec]:
        """The columns of a ranking row, in order; vectors stand behind them."""
        declared = [s for table in ("users", "interactions", "items") for s in self.tables.specs[table]]
        plain = [spec for spec in declared if spec.kind in _PLAIN_KINDS]
        signals = [signal.spec for signal in self.signals]
        return [*RETRIEVAL_SPECS, *plain, *signals, *self.features.row_specs]

    def serve(self, features: FeatureBuilder, users: pd.DataFrame) -> "RowBuilder":
        """The same for other users, and by features of what has happened meanwhile.

        Args:
            features: computes the features of rows.
            users: those who ask, columns as in the users table.
        """
        return replace(self, features=features, tables=replace(self.tables, users=users))

    def build(self, queries: pd.DataFrame, candidates: Candidates) -> RankingRows:
        """Builds the rows of some queries.

        Args:
            queries: `user_id, as_of, as_of_order`, and the moment's features.
            candidates: of each query.
        """
        query, place = np.nonzero(candidates.items >= 0)
        item = candidates.items[query, place]
        scores = candidates.scores
        columns: dict[str, np.ndarray] = {
            RETRIEVAL_SCORE: scores[query, place],
            RETRIEVAL_RANK: place.astype(np.float32),
            RETRIEVAL_GAP: scores[query, 0] - scores[query, place],
        }
        columns |= self._look_up(queries, query, item)
        columns |= self._score(queries, candidates.items, query, place)
        computed = self._compute_in_blocks(queries, candidates.items).astype(np.float32)
        frame = pd.concat([pd.DataFrame(columns), computed], axis=1)
        return RankingRows(frame, query, item, self.vectors)

    def _look_up(self, queries: pd.DataFrame, query: np.ndarray, item: np.ndarray) -> dict[str, np.ndarray]:
        """The declared columns of user, moment and item."""
        tables = self.tables
        asked = tables.users.iloc[tables.find_users(queries)]
        sources = (
            (_read_columns(asked, tables.specs["users"]), query),
            (_read_columns(queries, tables.specs["interactions"]), query),
            (self.of_items, item),
        )
        return {name: values[rows] for columns, rows in sources for name, values in columns.items()}

    def _score(
        self, queries: pd.DataFrame, items: np.ndarray, query: np.ndarray, place: np.ndarray
    ) -> dict[str, np.ndarray]:
        if not self.signals:
            return {}
        history = self.features.find_history(queries, LENGTH)
        return {signal.name: signal.score(history, items)[query, place] for signal in self.signals}

    def _compute_in_blocks(self, queries: pd.DataFrame, items: np.ndarray) -> pd.DataFrame:
        """The builder's columns, some queries at a time: bounds the memory, and moves a progress bar."""
        starts = range(0, max(len(queries), 1), _QUERIES_AT_ONCE)
        bar = tqdm(starts, desc="ranking rows", unit="block", disable=None if len(starts) > 1 else True)
        computed = []
        for start in bar:
            block = slice(start, start + _QUERIES_AT_ONCE)
            computed.append(self.features.compute_row_features(queries.iloc[block], items[block]))
        return pd.concat(computed, ignore_index=True)


def build_row_builder(
    tables: Tables,
    features: FeatureBuilder,
    signals: Sequence[Signal],
    config: RankerConfig,
) -> RowBuilder:
    """The builder of rows that the config asks for, in training and serving alike.

    Args:
        tables: users and items.
        features: computes the features of rows.
        signals: as fitted on the events that the towers have learned.
        config: whether the ranker reads embeddings.
    """
    # Not the towers' own: those that are published have another space than the ranker has learned with.
    vectors = tables.item_vectors if config.embeddings else {}
    return RowBuilder(tables, features, _read_columns(tables.items, tables.specs["items"]), signals, vectors)


def _read_columns(frame: pd.DataFrame, specs: Sequence[FeatureSpec]) -> dict[str, np.ndarray]:
    """The columns that are read as they are, as arrays of the frame's length."""
    return {s.name: _read_column(frame[s.name], s.kind) for s in specs if s.kind in _PLAIN_KINDS}


def _read_column(values: pd.Series, kind: str) -> np.ndarray:
    if kind == "categorical":
        return values.map("|".join).to_numpy()
    return to_float(values).astype(np.float32)
