"""The second stage of a run: a ranker, whether it earns its place, and what its scores mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from feature_pipeline.progress import report_step
from training_pipeline.config import Settings
from training_pipeline.ranking.calibration import Calibration, fit_calibration
from training_pipeline.ranking.cross_fit import CrossFitted, cross_fit
from training_pipeline.ranking.rows import join_rows
from training_pipeline.ranking.weights import weigh_rows
from training_pipeline.retrieved import Retrieved


@dataclass(frozen=True)
class FittedRanking:
    """A ranker that has learned from the validation window.

    Attributes:
        fitted: the ranker, and what it would say of queries that it has not seen, in the order in which they
            were handed over.
        calibration: turns its scores into chances.
    """

    fitted: CrossFitted
    calibration: Calibration


def fit_ranking(rehearsals: Sequence[Retrieved], settings: Settings) -> FittedRanking:
    """Learns from what the towers retrieve for a window that they were not trained on.

    Args:
        rehearsals: the validation queries and, where serving is asked so, the same at moments nobody knows.
        settings: of the run.

    Raises:
        UserError: too few queries have a chosen item among their candidates.
    """
    with report_step("train ranker") as step:
        first = rehearsals[0]
        rows = join_rows([r.rows for r in rehearsals], [len(r.candidates.items) for r in rehearsals])
        items = np.concatenate([rehearsal.candidates.items for rehearsal in rehearsals])
        chosen = np.concatenate([rehearsal.chosen for rehearsal in rehearsals])
        by_row = chosen[items >= 0]
        config = settings.ranker
        query = np.tile(np.arange(len(first.candidates.items)), len(rehearsals))
        # What was shown or chosen, and when, does not depend on what a query knows.
        weights = weigh_rows(first.prepared, first.held_out, replace(rows, query=query[rows.query]))
        fitted = cross_fit(rows, by_row, items, config, settings.seed, settings.threads, weights, query)
        calibration = fit_calibration(fitted.scores, chosen, config.calibration)
        step.rows = len(by_row)
        step.note = f"{fitted.ranker.model.tree_count_} trees, {by_row.sum():,} chosen candidates"
    return FittedRanking(fitted, calibration)
