"""Where the funnel loses what users chose, and what could be had: filtered, not retrieved, or out-ranked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.schema import ITEM_ID, USER_ID
from training_pipeline.evaluation.metrics import compute_metrics
from training_pipeline.evaluation.protocol import LIST_LENGTH, HeldOut

FATE = "fate"
SHOWN, OUT_RANKED, NOT_RETRIEVED, FILTERED = "shown", "out-ranked", "not retrieved", "filtered"
FATES = (SHOWN, OUT_RANKED, NOT_RETRIEVED, FILTERED)
CEILING_COUNTS = (10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Ceiling:
    """What a ranker could reach that knew the answer, given so many retrieved candidates.

    Attributes:
        candidates: how many are retrieved for each query.
        hit_rate: HR@10.
        ndcg: NDCG@10.
    """

    candidates: int
    hit_rate: float
    ndcg: float


def trace_targets(
    held_out: HeldOut,
    item_ids: np.ndarray,
    retrieval_ranks: np.ndarray,
    final_ranks: np.ndarray,
    num_candidates: int,
) -> pd.DataFrame:
    """Says of every chosen item what became of it.

    `shown` stands among the first `LIST_LENGTH`, `out-ranked` was retrieved and stands below them, `not
    retrieved` never came to the ranker, and `filtered` was excluded, as its user had met it before.

    Args:
        held_out: the queries.
        item_ids: by item position [num_items] str.
        retrieval_ranks: 0-based, among all items [relevant.nnz] float64.
        final_ranks: the same end to end.
        num_candidates: how many are retrieved for each query.

    Returns:
        `user_id, item_id, retrieval_rank, final_rank, fate`, one row a chosen item; those filtered have no
        rank and stand last.
    """
    query, item = held_out.relevant.nonzero()
    is_shown, is_retrieved = final_ranks < LIST_LENGTH, retrieval_ranks < num_candidates
    traced = pd.DataFrame(
        {
            USER_ID: held_out.frame[USER_ID].to_numpy()[query],
            ITEM_ID: item_ids[item],
            "retrieval_rank": retrieval_ranks,
            "final_rank": final_ranks,
            FATE: np.select([is_shown, is_retrieved], [SHOWN, OUT_RANKED], NOT_RETRIEVED),
        }
    )
    return pd.concat([traced, held_out.repeated.assign(**{FATE: FILTERED})], ignore_index=True)


def count_fates(traced: pd.DataFrame) -> dict[str, int]:
    """How many chosen items met each fate, in the order of `FATES`."""
    counts = traced[FATE].value_counts()
    return {fate: int(counts.get(fate, 0)) for fate in FATES}


def find_ceilings(
    held_out: HeldOut, retrieval_ranks: np.ndarray, counts: Sequence[int] = CEILING_COUNTS
) -> list[Ceiling]:
    """Measures a ranker that puts every retrieved target first, for each number of candidates.

    Args:
        held_out: the queries.
        retrieval_ranks: see `trace_targets`.
        counts: numbers of candidates; those beyond the corpus are left out, but for one.
    """
    indptr, num_items = held_out.relevant.indptr, held_out.relevant.shape[1]
    query = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    order = np.lexsort((retrieval_ranks, query))
    place = np.arange(len(order)) - indptr[query]
    ceilings = []
    for count in sorted({min(count, num_items) for count in counts}):
        ranks = np.where(retrieval_ranks[order] < count, place, np.inf)
        figures = compute_metrics(ranks, indptr, [LIST_LENGTH])
        hit_rate, ndcg = (float(figures[f"{name}@{LIST_LENGTH}"].mean()) for name in ("HR", "NDCG"))
        ceilings.append(Ceiling(count, hit_rate, ndcg))
    return ceilings
