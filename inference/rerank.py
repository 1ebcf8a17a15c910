"""Retrieved candidates -> the order in which they are shown."""

from dataclasses import dataclass

import numpy as np

from training_pipeline.ranking.calibration import Calibration
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.model import Ranker
from training_pipeline.ranking.rows import RankingRows


@dataclass(frozen=True)
class Ranked:
    """The best candidates of each query, best first.

    Attributes:
        query: [num_recommendations] int64, ascending.
        rank: 1-based within the query [num_recommendations] int64.
        item: item position [num_recommendations] int32.
        retrieval_score: [num_recommendations] float32, higher is better.
        ranking_score: [num_recommendations] float32, higher is better within a query.
        chance: that the user chooses the item next [num_recommendations] float32; NaN without a ranker.
        rows: what the ranker read of each; None without a ranker.
    """

    query: np.ndarray
    rank: np.ndarray
    item: np.ndarray
    retrieval_score: np.ndarray
    ranking_score: np.ndarray
    chance: np.ndarray
    rows: RankingRows | None


def rerank(
    candidates: Candidates, rows: RankingRows, ranker: Ranker, calibration: Calibration, k: int
) -> Ranked:
    """Orders each query's candidates by ranking score and keeps `k`; ties keep the retrieval order.

    Args:
        candidates: what the index returned.
        rows: their ranking rows, candidate by candidate.
        ranker: scores the rows.
        calibration: turns the scores into chances.
        k: how many to keep of each query.
    """
    scores = ranker.score_candidates(rows, candidates.items)
    query, place = _find_best(candidates.items, scores, k)
    row_of = np.cumsum(candidates.items >= 0).reshape(candidates.items.shape) - 1
    return Ranked(
        query=query,
        rank=_count_up(query),
        item=candidates.items[query, place],
        retrieval_score=candidates.scores[query, place],
        ranking_score=scores[query, place],
        chance=calibration.apply(scores)[query, place],
        rows=rows.take(row_of[query, place]),
    )


def keep_order(candidates: Candidates, k: int) -> Ranked:
    """Keeps the first `k` candidates of each query, where there is no ranker; see `rerank`."""
    query, place = _find_best(candidates.items, candidates.scores, k)
    scores = candidates.scores[query, place]
    return Ranked(
        query=query,
        rank=_count_up(query),
        item=candidates.items[query, place],
        retrieval_score=scores,
        ranking_score=scores,
        chance=np.full(len(query), np.nan, np.float32),
        rows=None,
    )


def _find_best(items: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Query and place of the `k` best candidates of each query, best first."""
    place = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    query = np.repeat(np.arange(len(items)), place.shape[1])
    is_item = items[query, place.ravel()] >= 0
    return query[is_item], place.ravel()[is_item]


def _count_up(query: np.ndarray) -> np.ndarray:
    """1, 2, 3, ... within each query."""
    counted: np.ndarray = np.arange(len(query)) - np.searchsorted(query, query) + 1
    return counted
