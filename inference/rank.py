"""Retrieved candidates -> scores, and the places that are shown."""

from dataclasses import dataclass, replace

import numpy as np

from training_pipeline.ranking.calibration import Calibration
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.model import Ranker
from training_pipeline.ranking.rows import RankingRows


@dataclass(frozen=True)
class Scored:
    """Candidates as the ranker sees them.

    Attributes:
        candidates: what the index returned.
        scores: higher is better within a query [num_queries, num_candidates] float32, -inf where padded.
        chances: that the user chooses the item next, of the same shape; NaN without a ranker.
        rows: what the ranker read, candidate by candidate; None without a ranker.
    """

    candidates: Candidates
    scores: np.ndarray
    chances: np.ndarray
    rows: RankingRows | None

    def forget_chances(self) -> "Scored":
        """The same where candidates are not all that there were: a share of some is no share of all."""
        return replace(self, chances=np.full_like(self.chances, np.nan))

    def order(self) -> np.ndarray:
        """Places, best first [num_queries, num_candidates] int64; ties keep the retrieval order."""
        order: np.ndarray = np.argsort(-self.scores, axis=1, kind="stable")
        return order


@dataclass(frozen=True)
class Ranked:
    """The items that are shown for each query, in their order.

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


def score(candidates: Candidates, rows: RankingRows, ranker: Ranker, calibration: Calibration) -> Scored:
    """Scores candidates by the ranker.

    Args:
        candidates: what the index returned.
        rows: their ranking rows, candidate by candidate.
        ranker: scores the rows.
        calibration: turns the scores into chances.
    """
    scores = ranker.score_candidates(rows, candidates.items)
    return Scored(candidates, scores, calibration.apply(scores), rows)


def keep_scores(candidates: Candidates) -> Scored:
    """The retrieval scores, where there is no ranker."""
    unknown = np.full(candidates.scores.shape, np.nan, np.float32)
    return Scored(candidates, candidates.scores, unknown, None)


def drop_repeated(order: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Leaves out all but the first of each group, and moves what follows up.

    Args:
        order: places of candidates, best first [num_queries, num_candidates] int.
        groups: of the candidates at these places, of the same shape; -1 is no group.
    """
    by_group = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, by_group, axis=1)
    is_repeated = np.zeros(order.shape, bool)
    again = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    np.put_along_axis(is_repeated, by_group[:, 1:], again, axis=1)
    last = np.argsort(is_repeated, axis=1, kind="stable")
    return np.take_along_axis(np.where(is_repeated, -1, order), last, axis=1)


def show(scored: Scored, places: np.ndarray) -> Ranked:
    """Shows the candidates at some places of each query.

    Args:
        scored: see `score`.
        places: of the candidates to show, in their order [num_queries, k] int; -1, or a padded candidate,
            shows nothing.
    """
    items = scored.candidates.items
    query, column = np.nonzero((places >= 0) & (np.take_along_axis(items, places, axis=1) >= 0))
    place = places[query, column]
    rows = None
    if scored.rows is not None:
        row_of = np.cumsum(items >= 0).reshape(items.shape) - 1
        rows = scored.rows.take(row_of[query, place])
    return Ranked(
        query=query,
        rank=np.arange(len(query)) - np.searchsorted(query, query) + 1,
        item=items[query, place],
        retrieval_score=scored.candidates.scores[query, place],
        ranking_score=scored.scores[query, place],
        chance=scored.chances[query, place],
        rows=rows,
    )
