"""The second stage of a run: a ranker, whether it earns its place, and what its scores mean."""

from dataclasses import dataclass

from feature_pipeline.progress import report_step
from training_pipeline.config import Settings
from training_pipeline.ranking.calibration import Calibration, fit_calibration
from training_pipeline.ranking.cross_fit import CrossFitted, cross_fit
from training_pipeline.ranking.weights import weigh_rows
from training_pipeline.retrieved import Retrieved


@dataclass(frozen=True)
class FittedRanking:
    """A ranker that has learned from the validation window.

    Attributes:
        fitted: the ranker, and what it would say of queries that it has not seen.
        calibration: turns its scores into chances.
    """

    fitted: CrossFitted
    calibration: Calibration


def fit_ranking(rehearsal: Retrieved, settings: Settings) -> FittedRanking:
    """Learns from what the towers retrieve for a window that they were not trained on.

    Args:
        rehearsal: the validation queries.
        settings: of the run.

    Raises:
        UserError: too few queries have a chosen item among their candidates.
    """
    with report_step("train ranker") as step:
        items, chosen = rehearsal.candidates.items, rehearsal.chosen
        by_row = chosen[items >= 0]
        config = settings.ranker
        weights = weigh_rows(rehearsal.prepared, rehearsal.held_out, rehearsal.rows)
        fitted = cross_fit(rehearsal.rows, by_row, items, config, settings.seed, settings.threads, weights)
        calibration = fit_calibration(fitted.scores, chosen, config.calibration)
        step.rows = len(by_row)
        step.note = f"{fitted.ranker.model.tree_count_} trees, {by_row.sum():,} chosen candidates"
    return FittedRanking(fitted, calibration)
