"""Rankers that each leave out a part of the queries: what they say of that part holds for new queries too.

The queries that a ranker learns from are few and precious. Cross-fitting uses all of them three times over:
to choose the number of trees, to find out whether ranking helps at all, and to calibrate; and the ranker that
is kept then learns from every one of them.
"""

from dataclasses import dataclass

import numpy as np

from feature_pipeline.errors import UserError
from training_pipeline.config import RankerConfig
from training_pipeline.ranking.model import Ranker, fit_ranker
from training_pipeline.ranking.rows import RankingRows


@dataclass(frozen=True)
class CrossFitted:
    """A ranker, and what rankers like it say of queries that they have not seen.

    Attributes:
        ranker: has learned from all queries.
        scores: of every candidate, by a ranker that did not learn from its query [num_queries,
            num_candidates] float32, minus infinity where padded.
    """

    ranker: Ranker
    scores: np.ndarray


def cross_fit(
    rows: RankingRows,
    chosen: np.ndarray,
    candidates: np.ndarray,
    config: RankerConfig,
    seed: int,
    threads: int,
    weights: np.ndarray | None = None,
    same: np.ndarray | None = None,
) -> CrossFitted:
    """Fits one ranker a fold, which leaves out its queries, and one on all, each with as many trees.

    How many is chosen once, by the mean loss over all folds: chosen fold by fold, the number would have seen
    the queries, and noise would look like a gain.

    Args:
        rows: candidates that the retriever returned for a window it was not trained on.
        chosen: whether the user then chose the row's item [num_rows] bool.
        candidates: item positions [num_queries, num_candidates] int32, -1 pads.
        config: loss, trees and folds.
        seed: of the folds, of the negatives' draw and of CatBoost.
        threads: of CatBoost.
        weights: how much each row teaches [num_rows] float32, see `fit_ranker`.
        same: queries that wait for the same choice have the same number [num_queries] int, and are left out
            together; None where each waits for its own.

    Raises:
        UserError: fewer than two queries have a chosen item among their candidates.
    """
    same = np.arange(len(candidates)) if same is None else same
    fold = _divide(np.unique(same[rows.query[chosen]]), same.max() + 1, config.folds, seed)[same]
    folds = [fold == number for number in range(fold.max() + 1)]
    rankers = [fit_ranker(rows, chosen, out, config, seed, threads, weights) for out in folds]
    trees = _choose_trees([ranker.read_losses() for ranker in rankers])
    scores = np.full(candidates.shape, -np.inf, np.float32)
    for out, ranker in zip(folds, rankers, strict=True):
        ranker.cut(trees)
        scores[(candidates >= 0) & out[:, None]] = ranker.score(rows.take(np.flatnonzero(out[rows.query])))
    as_many = config.model_copy(update={"iterations": trees})
    nothing = np.zeros(len(candidates), bool)
    return CrossFitted(fit_ranker(rows, chosen, nothing, as_many, seed, threads, weights), scores)


def _choose_trees(losses: list[np.ndarray]) -> int:
    """The number of trees with the least mean loss, among those that every fold has."""
    shortest = min(map(len, losses))
    return int(np.mean([curve[:shortest] for curve in losses], axis=0).argmin()) + 1


def _divide(useful: np.ndarray, num_queries: int, folds: int, seed: int) -> np.ndarray:
    """Fold of each query [num_queries] int; each has as many that a ranker can learn from.

    Args:
        useful: queries with a chosen candidate [num_useful] int.
        num_queries: all of them.
        folds: at most.
        seed: of the draw.
    """
    if len(useful) < 2:
        raise UserError(
            f"{len(useful)} of {num_queries} queries have a chosen item among the retrieved candidates, too "
            "few for a ranker to learn from. Remedy: raise ranker.candidates or retrieval.epochs, or give "
            "more events"
        )
    rng = np.random.default_rng(seed)
    others = np.setdiff1d(np.arange(num_queries), useful)
    fold = np.empty(num_queries, int)
    for group in (useful, others):
        fold[rng.permutation(group)] = np.arange(len(group)) % min(folds, len(useful))
    return fold
