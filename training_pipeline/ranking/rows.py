"""Ranking rows: one for each candidate of each query, with everything the ranker reads.

Training and serving build their rows here, from the same feature builder and the same fitted signals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pandas as pd
from tqdm import tqdm

from feature_pipeline.arrays import Arrays, Table, join_tables, take_rows
from feature_pipeline.columns import to_float
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.point_in_time import AS_OF, find_untimed, to_microseconds
from feature_pipeline.schema import FeatureSpec
from training_pipeline.config import RankerConfig
from training_pipeline.linear.signals import LENGTH, Signal, pick_scores, score_signals
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
# From the last item of the history, which may lie in the query's own instant, to the query; NaN where nobody
# knows when that is asked.
SECONDS_SINCE = "user_seconds_since_item"
SINCE_SPEC = FeatureSpec(SECONDS_SINCE, "query", "numeric")
_MICROSECONDS = 1e6
# Bounds the memory: scores of all items by nine signals take 92 MB for 5,000 items.
_QUERIES_AT_ONCE = 512
# Text, images and embeddings enter through the builder's similarities.
_PLAIN_KINDS = ("numeric", "categorical", "timestamp")


@dataclass(frozen=True)
class RankingRows:
    """What the ranker reads, one row for each candidate, query by query.

    Attributes:
        columns: numbers float32, and behind them categories, objects of str [num_rows] each.
        query: row of the query [num_rows] int64, ascending.
        item: item position [num_rows] int32.
        vectors: embeddings of all items that the ranker reads as such [num_items, dim] float32 by name.
    """

    columns: Arrays
    query: np.ndarray
    item: np.ndarray
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)

    def take(self, rows: np.ndarray) -> "RankingRows":
        """The rows at these places [num_chosen] int, ascending."""
        columns = take_rows(self.columns, rows)
        return RankingRows(columns, self.query[rows], self.item[rows], self.vectors)

    @property
    def numbers(self) -> list[str]:
        """Names of the columns that are numbers."""
        return [name for name, values in self.columns.items() if values.dtype.kind == "f"]

    @property
    def categories(self) -> list[str]:
        """Names of the columns that are categories."""
        return [name for name, values in self.columns.items() if values.dtype.kind == "O"]

    @property
    def frame(self) -> pd.DataFrame:
        """The columns side by side."""
        return pd.DataFrame(self.columns, range(len(self.query)))


@dataclass(frozen=True)
class RowBuilder:
    """Builds the rows of any queries.

    Attributes:
        tables: users and items, for their declared features.
        features: computes the features of rows as of each query.
        of_users: the users' declared columns as the ranker reads them [num_users] each.
        of_items: the items' declared columns as the ranker reads them [num_items] each.
        signals: score candidates by the history.
        vectors: see `RankingRows`.
    """

    tables: Tables
    features: FeatureBuilder
    of_users: Arrays
    of_items: Arrays
    signals: Sequence[Signal] = ()
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def specs(self) -> list[FeatureSpec]:
        """The columns of a ranking row, in order: numbers, then categories; vectors stand behind them."""
        declared = [s for table in ("users", "interactions", "items") for s in self.tables.specs[table]]
        plain = [spec for spec in declared if spec.kind in _PLAIN_KINDS]
        signals = [signal.spec for signal in self.signals]
        specs = [*RETRIEVAL_SPECS, SINCE_SPEC, *plain, *signals, *self.features.row_specs]
        return sorted(specs, key=lambda spec: spec.kind == "categorical")

    def build(
        self, queries: pd.DataFrame | Table, candidates: Candidates, asking: Arrays | None = None
    ) -> RankingRows:
        """Builds the rows of some queries.

        Args:
            queries: `user_id, as_of, as_of_order`, the moment's features, and maybe `untimed`.
            candidates: of each query.
            asking: who asks, as `of_users` [num_queries] each; by default the users of the table.
        """
        if asking is None:
            asking = take_rows(self.of_users, self.tables.find_users(queries))
        if len(queries) <= _QUERIES_AT_ONCE:
            return self._build_block(queries, candidates, asking)
        blocks, counts = [], []
        starts = range(0, len(queries), _QUERIES_AT_ONCE)
        for start in tqdm(starts, desc="ranking rows", unit="block", disable=None):
            rows = slice(start, start + _QUERIES_AT_ONCE)
            asked = queries.cut(rows) if isinstance(queries, Table) else queries.iloc[rows]
            own = Candidates(candidates.items[rows], candidates.scores[rows])
            now = {name: values[rows] for name, values in asking.items()}
            blocks.append(self._build_block(asked, own, now))
            counts.append(len(asked))
        return join_rows(blocks, counts)

    def _build_block(
        self, queries: pd.DataFrame | Table, candidates: Candidates, asking: Arrays
    ) -> RankingRows:
        query, place = np.nonzero(candidates.items >= 0)
        item = candidates.items[query, place]
        scores = candidates.scores
        columns: dict[str, np.ndarray] = {
            RETRIEVAL_SCORE: scores[query, place],
            RETRIEVAL_RANK: place.astype(np.float32),
            RETRIEVAL_GAP: scores[query, 0] - scores[query, place],
        }
        history, times = self.features.find_timed_history(queries, LENGTH if self.signals else 1)
        since = (to_microseconds(queries[AS_OF]) - times[:, -1]) / _MICROSECONDS
        is_known = (history[:, -1] >= 0) & ~find_untimed(queries)
        columns[SECONDS_SINCE] = np.where(is_known, since, np.nan).astype(np.float32)[query]
        columns |= take_rows(asking, query)
        columns |= take_rows(read_columns(queries, self.tables.specs["interactions"]), query)
        columns |= take_rows(self.of_items, item)
        of_items = score_signals(self.signals, history)
        columns |= {name: pick_scores(scores, query, item) for name, scores in of_items.items()}
        computed = self.features.compute_row_columns(queries, candidates.items)
        columns |= {name: values.astype(np.float32) for name, values in computed.items()}
        ordered = sorted(columns.items(), key=lambda column: column[1].dtype == object)
        return RankingRows(dict(ordered), query, item, self.vectors)


def join_rows(parts: Sequence[RankingRows], counts: Sequence[int]) -> RankingRows:
    """Rows one below the other; queries are numbered on.

    Args:
        parts: all with the same columns.
        counts: of queries in each, those without candidates included.
    """
    if len(parts) == 1:
        return parts[0]
    firsts = accumulate(counts[:-1], initial=0)
    return RankingRows(
        columns=join_tables([part.columns for part in parts]),
        query=np.concatenate([first + part.query for first, part in zip(firsts, parts, strict=True)]),
        item=np.concatenate([part.item for part in parts]),
        vectors=parts[0].vectors,
    )


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
    of_users = read_columns(tables.users, tables.specs["users"])
    of_items = read_columns(tables.items, tables.specs["items"])
    return RowBuilder(tables, features, of_users, of_items, signals, vectors)


def read_columns(frame: pd.DataFrame | Table, specs: Sequence[FeatureSpec]) -> dict[str, np.ndarray]:
    """The columns that are read as they are, as arrays of the frame's length."""
    return {s.name: _read_column(frame[s.name], s.kind) for s in specs if s.kind in _PLAIN_KINDS}


def _read_column(values: pd.Series | np.ndarray, kind: str) -> np.ndarray:
    if kind == "categorical":
        return np.array(["|".join(names) for names in values], dtype=object)
    return to_float(values).astype(np.float32)
