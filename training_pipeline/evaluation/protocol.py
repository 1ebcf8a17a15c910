"""The one protocol that measures every model: whole corpus, seen items excluded, the same queries for all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.splits import SplitError, build_queries
from training_pipeline.evaluation.metrics import (
    compute_coverage,
    compute_diversity,
    compute_metrics,
    compute_novelty,
)
from training_pipeline.evaluation.report import MetricRow, build_rows
from training_pipeline.seen import find_seen, mark

ALL = "all"
LIST_LENGTH = 10


@dataclass(frozen=True)
class HeldOut:
    """The held-out queries of one split, and what counts as right.

    Attributes:
        split: `validation` or `test`.
        frame: one row a query: `user_id, as_of, as_of_order`, and the moment's features.
        relevant: what the users then chose [num_queries, num_items] bool.
        seen: what they had met before [num_queries, num_items] bool; empty where the data set repeats.
        past: how many items each query's user had met before [num_queries] int.
        is_cold: items without an event in the training window [num_items] bool.
    """

    split: str
    frame: pd.DataFrame
    relevant: csr_array
    seen: csr_array
    past: np.ndarray
    is_cold: np.ndarray

    def list_segments(self) -> dict[str, np.ndarray]:
        """Which (query, relevant item) pairs each segment holds [relevant.nnz] bool; none is empty."""
        query, item = self.relevant.nonzero()
        past = self.past[query]
        segments = {
            ALL: np.ones(len(query), bool),
            "user:new": past == 0,
            "user:1-10 items": (past > 0) & (past <= 10),
            "user:over 10 items": past > 10,
            "item:cold": self.is_cold[item],
        }
        return {name: pairs for name, pairs in segments.items() if pairs.any()}

    def take(self, queries: np.ndarray) -> "HeldOut":
        """The same protocol on some of the queries [num_chosen] int."""
        return HeldOut(
            split=self.split,
            frame=self.frame.iloc[queries].reset_index(drop=True),
            relevant=self.relevant[queries],
            seen=self.seen[queries],
            past=self.past[queries],
            is_cold=self.is_cold,
        )


def build_held_out(
    split: str,
    interactions: pd.DataFrame,
    parts: np.ndarray,
    item_ids: pd.Series,
    builder: FeatureBuilder,
    context: list[str],
    repeats: bool,
    is_cold: np.ndarray,
) -> HeldOut:
    """Builds the queries of one split.

    Args:
        split: `validation` or `test`.
        interactions: contract table.
        parts: split of each event, see `splits.assign_split`.
        item_ids: the corpus, in the order of the items table.
        builder: computes the features of the queries.
        context: context columns that the events carry.
        repeats: whether items already met may be recommended.
        is_cold: items without an event in the training window [num_items] bool.

    Raises:
        SplitError: no user of the window chose anything new.
    """
    queries = build_queries(interactions, parts == split, context, repeats)
    if queries.frame.empty:
        raise SplitError(
            f"the {split} window holds nothing that its users had not met before. "
            "Remedy: give more events, or set dataset.repeats if items may be recommended again"
        )
    computed = builder.compute_query_features(queries.frame)
    shape = (len(queries.frame), len(item_ids))
    relevant = mark(queries.target_query, pd.Index(item_ids).get_indexer(queries.target_item_id), shape)
    seen = find_seen(queries.frame, interactions, builder, len(item_ids))
    return HeldOut(
        split=split,
        frame=pd.concat([queries.frame, computed], axis=1),
        relevant=relevant,
        seen=csr_array(shape, dtype=bool) if repeats else seen,
        past=np.diff(seen.indptr),
        is_cold=is_cold,
    )


def build_metric_rows(
    held_out: HeldOut, ranks: np.ndarray, stage: str, model: str, seed: int
) -> list[MetricRow]:
    """Computes every metric by segment, with bootstrap intervals.

    Args:
        held_out: the queries.
        ranks: 0-based average-tie rank of each relevant item [relevant.nnz] float64.
        stage: `baseline`, `retrieval` or `ranking`.
        model: name for the table.
        seed: of the bootstrap.
    """
    rows = []
    query = held_out.relevant.nonzero()[0]
    for segment, pairs in held_out.list_segments().items():
        counts = np.bincount(query[pairs], minlength=held_out.relevant.shape[0])
        indptr = np.concatenate([[0], np.cumsum(counts[counts > 0])])
        per_query = compute_metrics(ranks[pairs], indptr)
        rows += build_rows(per_query, stage, model, held_out.split, segment, seed)
    return rows


def build_list_rows(
    held_out: HeldOut,
    recommended: np.ndarray,
    popularity: np.ndarray,
    vectors: Mapping[str, np.ndarray],
    stage: str,
    model: str,
    seed: int,
) -> list[MetricRow]:
    """Computes coverage, novelty and diversity of the lists themselves.

    Args:
        held_out: the queries.
        recommended: item positions [num_queries, LIST_LENGTH] int32, -1 pads.
        popularity: training events of each item [num_items] int.
        vectors: content embeddings [num_items, dim] float32; diversity is measured in the first of them.
        stage: `baseline`, `retrieval` or `ranking`.
        model: name for the table.
        seed: of the bootstrap.
    """
    per_query = {f"novelty@{LIST_LENGTH}": compute_novelty(recommended, popularity)}
    if vectors:
        per_query[f"diversity@{LIST_LENGTH}"] = compute_diversity(recommended, next(iter(vectors.values())))
    metric, share = f"coverage@{LIST_LENGTH}", compute_coverage(recommended, len(popularity))
    row = MetricRow(stage, model, held_out.split, ALL, metric, share, share, share, len(recommended))
    return [*build_rows(per_query, stage, model, held_out.split, ALL, seed), row]
