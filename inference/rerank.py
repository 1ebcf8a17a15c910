"""Retrieved candidates -> the order in which they are shown."""

from dataclasses import dataclass

import numpy as np

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
        rows: what the ranker read of each.
    """

    query: np.ndarray
    rank: np.ndarray
    item: np.ndarray
    retrieval_score: np.ndarray
    ranking_score: np.ndarray
    rows: RankingRows


def rerank(candidates: Candidates, rows: RankingRows, ranker: Ranker, k: int) -> Ranked:
    """Orders each query's candidates by ranking score and keeps `k`; ties keep the retrieval order.

    Args:
        candidates: what the index returned.
        rows: their ranking rows, candidate by candidate.
        ranker: scores the rows.
        k: how many to keep of each query.
    """
    scores = ranker.score(rows)
    order = np.lexsort((np.arange(len(scores)), -scores, rows.query))
    starts = np.searchsorted(rows.query[order], rows.query[order])
    place = np.arange(len(order)) - starts
    kept = order[place < k]
    return Ranked(
        query=rows.query[kept],
        rank=place[place < k] + 1,
        item=rows.item[kept],
        retrieval_score=candidates.scores[candidates.items >= 0][kept],
        ranking_score=scores[kept],
        rows=rows.take(kept),
    )
