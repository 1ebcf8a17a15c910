"""The one protocol that measures every model: whole corpus, seen items excluded, the same queries for all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.schema import USER_ID
from feature_pipeline.splits import SplitError, build_queries
from training_pipeline.evaluation.list_metrics import (
    compute_coverage,
    compute_diversity,
    compute_exposure,
    compute_gini,
    compute_novelty,
    compute_popularity,
)
from training_pipeline.evaluation.metrics import compute_metrics
from training_pipeline.evaluation.results import MetricRow, build_rows
from training_pipeline.evaluation.segments import ALL, group_histories, group_items, group_users, mark_pairs
from training_pipeline.retrieval.dataset import Tables
from training_pipeline.seen import find_seen, mark

LIST_LENGTH = 10
# What is computed for every segment; of all queries, every metric is.
SEGMENT_METRICS = ("MRR", "HR@10", "HR@100", "NDCG@10", "recall@100")


@dataclass(frozen=True)
class HeldOut:
    """The held-out queries of one split, and what counts as right.

    Attributes:
        split: `validation` or `test`.
        frame: one row a query: `user_id, as_of, as_of_order`, and the moment's features.
        relevant: what the users then chose [num_queries, num_items] bool.
        seen: what they had met before [num_queries, num_items] bool; empty where the data set repeats.
        past: how many items each query's user had met before [num_queries] int.
        repeated: `user_id, item_id` of what was chosen and is not relevant, as the user had met it before.
        users: groups of queries by user attribute, see `segments.group_users`.
        popularity: learned events of each item [num_items] int.
    """

    split: str
    frame: pd.DataFrame
    relevant: csr_array
    seen: csr_array
    past: np.ndarray
    repeated: pd.DataFrame
    users: dict[str, np.ndarray]
    popularity: np.ndarray

    def list_segments(self) -> dict[str, np.ndarray]:
        """Which (query, relevant item) pairs each segment holds [relevant.nnz] bool; none is empty."""
        users = group_histories(self.past) | self.users
        return mark_pairs(self.relevant, users, group_items(self.popularity))

    def take(self, queries: np.ndarray) -> "HeldOut":
        """The same protocol on some of the queries [num_chosen] int."""
        return HeldOut(
            split=self.split,
            frame=self.frame.iloc[queries].reset_index(drop=True),
            relevant=self.relevant[queries],
            seen=self.seen[queries],
            past=self.past[queries],
            repeated=self.repeated[self.repeated[USER_ID].isin(self.frame[USER_ID].iloc[queries])],
            users={name: group[queries] for name, group in self.users.items()},
            popularity=self.popularity,
        )


def build_held_out(
    split: str,
    tables: Tables,
    parts: np.ndarray,
    builder: FeatureBuilder,
    repeats: bool,
    popularity: np.ndarray,
) -> HeldOut:
    """Builds the queries of one split.

    Args:
        split: `validation` or `test`.
        tables: the feature store's tables.
        parts: split of each event, see `splits.assign_split`.
        builder: computes the features of the queries.
        repeats: whether items already met may be recommended.
        popularity: learned events of each item [num_items] int.

    Raises:
        SplitError: no user of the window chose anything new.
    """
    interactions, num_items = tables.interactions, len(tables.items)
    computed = {spec.name for spec in builder.query_specs}
    context = [spec.name for spec in tables.specs["interactions"] if spec.name not in computed]
    queries = build_queries(interactions, parts == split, context, repeats)
    if queries.frame.empty:
        raise SplitError(
            f"the {split} window holds nothing that its users had not met before. "
            "Remedy: give more events, or set dataset.repeats if items may be recommended again"
        )
    frame = pd.concat([queries.frame, builder.compute_query_features(queries.frame)], axis=1)
    shape = (len(frame), num_items)
    seen = find_seen(frame, interactions, builder, num_items)
    return HeldOut(
        split=split,
        frame=frame,
        relevant=mark(queries.target_query, tables.find_items(queries.target_item_id), shape),
        seen=csr_array(shape, dtype=bool) if repeats else seen,
        past=np.diff(seen.indptr),
        repeated=queries.repeated,
        users=group_users(tables.users.iloc[tables.find_users(frame)], tables.specs["users"]),
        popularity=popularity,
    )


def build_metric_rows(
    held_out: HeldOut, ranks: np.ndarray, stage: str, model: str, seed: int
) -> list[MetricRow]:
    """Computes every metric over all queries, and `SEGMENT_METRICS` by segment, with bootstrap intervals.

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
        if segment != ALL:
            per_query = {metric: per_query[metric] for metric in SEGMENT_METRICS}
        rows += build_rows(per_query, stage, model, held_out.split, segment, seed)
    return rows


def build_list_rows(
    held_out: HeldOut,
    recommended: np.ndarray,
    vectors: Mapping[str, np.ndarray],
    stage: str,
    model: str,
    seed: int,
) -> list[MetricRow]:
    """Computes what the lists are like, whatever was chosen; see `list_metrics`.

    Args:
        held_out: the queries, and how popular the items are.
        recommended: item positions [num_queries, LIST_LENGTH] int32, -1 pads.
        vectors: content embeddings [num_items, dim] float32; diversity is measured in the first of them.
        stage: `baseline`, `retrieval` or `ranking`.
        model: name for the table.
        seed: of the bootstrap.
    """
    popularity = held_out.popularity
    per_query = {
        "novelty": compute_novelty(recommended, popularity),
        "popularity": compute_popularity(recommended, popularity),
    }
    if vectors:
        per_query["diversity"] = compute_diversity(recommended, next(iter(vectors.values())))
    for group, members in group_items(popularity).items():
        per_query[f"exposure of {group}"] = compute_exposure(recommended, members)
    of_all = {
        "coverage": compute_coverage(recommended, len(popularity)),
        "Gini": compute_gini(recommended, len(popularity)),
    }
    at = {f"{name}@{LIST_LENGTH}": values for name, values in per_query.items()}
    rows = build_rows(at, stage, model, held_out.split, ALL, seed)
    num_queries = len(recommended)
    for name, share in of_all.items():
        metric = f"{name}@{LIST_LENGTH}"
        rows.append(MetricRow(stage, model, held_out.split, ALL, metric, share, share, share, num_queries))
    return rows
