"""The CatBoost ranker: learns the order of retrieved candidates, query by query."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoost, CatBoostError, Pool
from tqdm import tqdm

from feature_pipeline.errors import UserError
from training_pipeline.config import RankerConfig
from training_pipeline.ranking.rows import RankingRows

HELD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class Ranker:
    """Scores ranking rows.

    Attributes:
        model: the fitted trees.
    """

    model: CatBoost

    def score(self, rows: RankingRows) -> np.ndarray:
        """`ranking_score` of each row [num_rows] float32: higher is better, within a query only."""
        return np.asarray(self.model.predict(_build_pool(rows)), np.float32)

    def score_candidates(self, rows: RankingRows, candidates: np.ndarray) -> np.ndarray:
        """Scores laid out like `candidates` [num_queries, num_candidates] float32; padding is -inf."""
        scores = np.full(candidates.shape, -np.inf, np.float32)
        scores[candidates >= 0] = self.score(rows)
        return scores

    def explain(self, rows: RankingRows) -> np.ndarray:
        """What each column adds to a score [num_rows, num_columns] float32 (SHAP, Lundberg et al. 2020)."""
        if rows.frame.empty:  # which CatBoost refuses, and a user who has seen everything has
            return np.zeros(rows.frame.shape, np.float32)
        shap = self.model.get_feature_importance(_build_pool(rows), type="ShapValues")
        return np.asarray(shap[:, :-1], np.float32)

    def save(self, path: Path) -> None:
        """Writes CatBoost's own binary format."""
        self.model.save_model(str(path))

    @classmethod
    def load(cls, path: Path) -> "Ranker":
        """Reads what `save` wrote."""
        model = CatBoost()
        model.load_model(str(path))
        return cls(model)


def split_queries(num_queries: int, seed: int) -> np.ndarray:
    """Draws the queries on which the ranker's number of trees is chosen [num_queries] bool."""
    drawn = np.random.default_rng(seed).permutation(num_queries)[: round(num_queries * HELD_OUT_SHARE)]
    held_out = np.zeros(num_queries, bool)
    held_out[drawn] = True
    return held_out


def fit_ranker(
    rows: RankingRows, chosen: np.ndarray, held_out: np.ndarray, config: RankerConfig, seed: int, threads: int
) -> Ranker:
    """Learns to put chosen candidates first.

    Args:
        rows: candidates that the retriever returned for a window it was not trained on.
        chosen: whether the user then chose the row's item [num_rows] bool.
        held_out: queries kept apart, on which the number of trees is chosen [num_queries] bool.
        config: loss and trees.
        seed: of the negatives' draw and of CatBoost.
        threads: of CatBoost.

    Raises:
        UserError: no query that is not held out has a chosen item among its candidates, or all of its rows
            are alike.
    """
    useful = np.isin(rows.query, rows.query[chosen])
    kept = np.flatnonzero(useful & _draw_negatives(rows.query, chosen, config.negatives, seed))
    sample, label, apart = rows.take(kept), chosen[kept], held_out[rows.query[kept]]
    if apart.all():
        raise UserError(
            "no chosen item is among the retrieved candidates, so the ranker has nothing to learn from. "
            "Remedy: raise ranker.candidates or retrieval.epochs, or give more events"
        )
    model = CatBoost(
        {
            "loss_function": config.loss,
            "iterations": config.iterations,
            "depth": config.depth,
            "learning_rate": config.learning_rate,
            # One Newton step a leaf and single-feature category counts: a sixth of the time, no worse order.
            "leaf_estimation_iterations": 1,
            "max_ctr_complexity": 1,
            "random_seed": seed,
            "thread_count": threads,
            "allow_writing_files": False,
            "verbose": False,
        }
    )
    train = _build_pool(sample.take(np.flatnonzero(~apart)), label[~apart])
    stopping: dict[str, Any] = {}
    if apart.any():
        held = _build_pool(sample.take(np.flatnonzero(apart)), label[apart])
        stopping = {"eval_set": held, "early_stopping_rounds": config.patience, "use_best_model": True}
    with tqdm(total=config.iterations, desc="train ranker", unit="tree", disable=None) as bar:
        try:
            model.fit(train, callbacks=[_TreeBar(bar)], **stopping)
        except CatBoostError as error:
            raise UserError(
                f"the ranker cannot learn from {len(train.get_label())} rows: {str(error).splitlines()[0]}. "
                "Remedy: give more events or items, or raise ranker.candidates"
            ) from None
    return Ranker(model)


class _TreeBar:
    """Moves a progress bar on by one tree at a time, as CatBoost calls it."""

    def __init__(self, bar: Any):
        self._bar = bar

    def after_iteration(self, info: Any) -> bool:
        """Goes on always; stopping is CatBoost's own affair."""
        self._bar.update()
        return True


def _draw_negatives(query: np.ndarray, chosen: np.ndarray, count: int, seed: int) -> np.ndarray:
    """All chosen rows and `count` random others of each query [num_rows] bool."""
    chance = np.random.default_rng(seed).random(len(query))
    order = np.lexsort((np.where(chosen, -1.0, chance), query))
    negative_place = np.empty(len(query), np.int64)
    starts = np.searchsorted(query[order], query[order])
    num_chosen = np.bincount(query, weights=chosen, minlength=query.max(initial=-1) + 1).astype(np.int64)
    negative_place[order] = np.arange(len(query)) - starts - num_chosen[query[order]]
    return negative_place < count


def _build_pool(rows: RankingRows, label: np.ndarray | None = None) -> Pool:
    categories = list(rows.frame.select_dtypes(exclude="number").columns)
    labels = None if label is None else label.astype(np.float32)
    return Pool(rows.frame, label=labels, group_id=rows.query, cat_features=categories)
