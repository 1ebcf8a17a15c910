"""The ranker: a sum, and CatBoost's trees for what a sum cannot say; it learns the order of candidates."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoost, CatBoostError, FeaturesData, Pool
from tqdm import tqdm

from feature_pipeline.config import unknown_key
from feature_pipeline.errors import UserError
from training_pipeline.config import RankerConfig
from training_pipeline.ranking.attribution import Attribution, build_attribution
from training_pipeline.ranking.logit import Logit, fit_logit
from training_pipeline.ranking.rows import RankingRows

_ROWS_AT_ONCE = 200_000
_FEW_ROWS = 5_000
# Where CatBoost's file keeps the sum.
_LOGIT = "logit"


@dataclass(frozen=True)
class Ranker:
    """Scores ranking rows.

    Attributes:
        model: the fitted trees.
        logit: what the trees started from; its scores and theirs add up.
    """

    model: CatBoost
    logit: Logit

    def score(self, rows: RankingRows) -> np.ndarray:
        """`ranking_score` of each row [num_rows] float32: higher is better, within a query only."""
        scores = [np.zeros(0, np.float32)]
        for places in _cut(len(rows.query)):
            block = rows if len(places) == len(rows.query) else rows.take(places)
            found = self.model.predict(_build_pool(block), thread_count=_choose_threads(block))
            scores.append((self.logit.score(block.columns) + found).astype(np.float32))
        return np.concatenate(scores)

    def score_candidates(self, rows: RankingRows, candidates: np.ndarray) -> np.ndarray:
        """Scores laid out like `candidates` [num_queries, num_candidates] float32; padding is -inf."""
        scores = np.full(candidates.shape, -np.inf, np.float32)
        scores[candidates >= 0] = self.score(rows)
        return scores

    def explain(self, rows: RankingRows) -> np.ndarray:
        """What each column adds to a score [num_rows, num_columns] float32 (SHAP, Lundberg et al. 2020)."""
        if not len(rows.query):  # which CatBoost refuses, and a user who has seen everything has
            return np.zeros((0, len(rows.columns)), np.float32)
        effects = self._explain_trees(rows)
        names = list(rows.columns)
        effects[:, [names.index(name) for name in self.logit.names]] += self.logit.explain(rows.columns)
        return effects

    def _explain_trees(self, rows: RankingRows) -> np.ndarray:
        pool = _build_pool(rows)
        if rows.vectors:  # whose questions are not written out
            shap = self.model.get_feature_importance(pool, type="ShapValues")
            return np.asarray(shap[:, :-1], np.float32)
        return self._attribution.explain(self.model, pool, len(rows.columns))

    @cached_property
    def _attribution(self) -> Attribution:
        return build_attribution(self.model)

    def read_losses(self) -> np.ndarray:
        """The loss on held-out queries after each tree [num_trees] float64; empty where there are none."""
        measured = self.model.get_evals_result().get("validation", {})
        losses = np.array(list(measured.values())[:1]).ravel()
        # Of YetiRank CatBoost reports PFound, which rises.
        return -losses if "PFound" in next(iter(measured), "") else losses

    def cut(self, trees: int) -> None:
        """Keeps the first trees alone."""
        self.model.shrink(trees)

    def count_bytes(self) -> int:
        """Size on disk."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "ranker.cbm"
            self.save(place)
            return place.stat().st_size

    def save(self, path: Path) -> None:
        """Writes CatBoost's own binary format, with the sum among its notes."""
        self.model.save_model(str(path))

    @classmethod
    def load(cls, path: Path) -> "Ranker":
        """Reads what `save` wrote."""
        model = CatBoost()
        model.load_model(str(path))
        return cls(model, Logit.from_json(json.loads(model.get_metadata()[_LOGIT])))


def fit_ranker(
    rows: RankingRows,
    chosen: np.ndarray,
    held_out: np.ndarray,
    config: RankerConfig,
    seed: int,
    threads: int,
    weights: np.ndarray | None = None,
) -> Ranker:
    """Learns to put chosen candidates first.

    Args:
        rows: candidates that the retriever returned for a window it was not trained on.
        chosen: whether the user then chose the row's item [num_rows] bool.
        held_out: queries kept apart [num_queries] bool; training ends `config.patience` trees after the best
            on these, see `Ranker.read_losses`. Without any, there are as many trees as the config says.
        config: loss and trees.
        seed: of the negatives' draw and of CatBoost.
        threads: of CatBoost.
        weights: how much each row teaches [num_rows] float32, see `weigh_rows`; None where all teach as much.
            What was not chosen and teaches more than others is always among the negatives. `YetiRank` knows
            no weights: there it is among them, and teaches as they do.

    Raises:
        UserError: no query that is not held out has a chosen item among its candidates, all of its rows are
            alike, or a column that `config.monotone` names is none of the numeric ones.
    """
    _check_monotone(rows.numbers, config.monotone)
    useful = np.isin(rows.query, rows.query[chosen])
    count = config.negatives or len(rows.query)
    drawn = _draw_negatives(rows.query, chosen, count, seed)
    if weights is not None:
        drawn |= weights > 1
    if config.loss == "YetiRank":
        weights = None
    kept = np.flatnonzero(useful & drawn)
    apart = held_out[rows.query[kept]]
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
            "border_count": config.borders,
            "monotone_constraints": config.monotone,
            # One Newton step a leaf and single-feature category counts: a sixth of the time, no worse order.
            "leaf_estimation_iterations": 1,
            "max_ctr_complexity": 1,
            "random_seed": seed,
            "thread_count": threads,
            "allow_writing_files": False,
            "verbose": False,
        }
    )
    sample, label, taught = _take(rows, chosen, weights, kept[~apart])
    logit = fit_logit(sample, label, config.monotone, taught)
    train = _build_pool(sample, label, taught, logit)
    stopping: dict[str, Any] = {}
    if apart.any():
        held = _build_pool(*_take(rows, chosen, weights, kept[apart]), logit)
        stopping = {"eval_set": held, "early_stopping_rounds": config.patience, "use_best_model": False}
    with tqdm(total=config.iterations, desc="train ranker", unit="tree", disable=None) as bar:
        try:
            model.fit(train, callbacks=[_TreeBar(bar)], **stopping)
        except CatBoostError as error:
            raise UserError(
                f"the ranker cannot learn from {len(train.get_label())} rows: {str(error).splitlines()[0]}. "
                "Remedy: give more events or items, or raise ranker.candidates"
            ) from None
    model.get_metadata()[_LOGIT] = json.dumps(logit.to_json())
    return Ranker(model, logit)


def _check_monotone(numeric: list[str], monotone: Mapping[str, int]) -> None:
    for name in monotone:
        if name not in numeric:
            raise UserError(f"ranker.monotone: {unknown_key(name, numeric)}")


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


def _cut(num_rows: int) -> list[np.ndarray]:
    """Places of rows in blocks: embeddings of all of them at once would not fit in memory."""
    return np.split(np.arange(num_rows), range(_ROWS_AT_ONCE, num_rows, _ROWS_AT_ONCE)) if num_rows else []


def _choose_threads(rows: RankingRows) -> int:
    """One for the candidates of a query, as waking more takes longer than it needs; else all there are."""
    return 1 if len(rows.query) <= _FEW_ROWS else -1


def _take(
    rows: RankingRows, chosen: np.ndarray, weights: np.ndarray | None, places: np.ndarray
) -> tuple[RankingRows, np.ndarray, np.ndarray | None]:
    """What there is to learn from the rows at these places [num_sampled] int."""
    return rows.take(places), chosen[places], None if weights is None else weights[places]


def _build_pool(
    rows: RankingRows,
    label: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    start: Logit | None = None,
) -> Pool:
    is_frame = bool(rows.vectors)
    return Pool(
        _join_vectors(rows) if is_frame else _lay_out(rows),
        label=None if label is None else label.astype(np.float32),
        weight=weights,
        # Scores are of single rows.
        group_id=None if label is None else rows.query,
        cat_features=rows.categories if is_frame else None,
        embedding_features=list(rows.vectors) or None,
        baseline=None if start is None else start.score(rows.columns),
    )


def _lay_out(rows: RankingRows) -> FeaturesData:
    """The columns as CatBoost reads them in a sixth of the time that it takes for a frame."""
    numbers, categories = rows.numbers, rows.categories
    values = np.empty((len(rows.query), len(numbers)), np.float32)
    for place, name in enumerate(numbers):
        values[:, place] = rows.columns[name]
    words = np.empty((len(rows.query), len(categories)), object)
    for place, name in enumerate(categories):
        # Few values come up again and again.
        encoded = {word: word.encode() for word in set(rows.columns[name])}
        words[:, place] = [encoded[word] for word in rows.columns[name]]
    return FeaturesData(values, words, numbers, categories)


def _join_vectors(rows: RankingRows) -> pd.DataFrame:
    """The columns and the items' embeddings, which CatBoost reads from frames alone."""
    return rows.frame.assign(**{name: list(table[rows.item]) for name, table in rows.vectors.items()})
