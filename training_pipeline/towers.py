"""The towers of one run: trained on the training window, stopped by validation, trained anew on more."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from feature_pipeline.progress import report_step
from training_pipeline.config import Settings
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.batches import build_training_data, build_validation_data
from training_pipeline.retrieval.build import build_model
from training_pipeline.retrieval.fit import OBJECTIVE, Epochs, FittedRetrieval, fit_model, refit_model
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.strategy import divide_batch, get_strategy


def fit_towers(prepared: Prepared, validation: HeldOut, settings: Settings, place: Path) -> FittedRetrieval:
    """Trains both towers on the training window, stopped by the validation queries.

    Args:
        prepared: tables and features.
        validation: the queries that stop it.
        settings: of the run.
        place: folder of the checkpoints.
    """
    with report_step("choose towers") as step:
        model, training, step.rows = _build_towers(prepared, settings)
        examples = prepared.build_held_out_examples(validation)
        held_out = build_validation_data(examples, validation.relevant, validation.seen)
        fitted = fit_model(model, training, held_out, settings.retrieval, place)
        step.note = (
            f"epoch {fitted.best['epoch']} of {len(fitted.curve)}, {fitted.num_parameters:,} parameters, "
            f"validation NDCG@10 {fitted.best[OBJECTIVE]:.4f}"
        )
    return fitted


def refit_towers(prepared: Prepared, epochs: int, settings: Settings, place: Path) -> TwoTowerModel:
    """Trains both towers anew on all that may now be learned, for the chosen number of epochs.

    Args:
        prepared: tables and features; it says what is learned.
        epochs: how many.
        settings: of the run.
        place: folder of the checkpoints.
    """
    with report_step("refit towers") as step:
        model, training, step.rows = _build_towers(prepared, settings)
        refit_model(model, training, epochs, settings.retrieval, place)
        step.note = f"{epochs} epochs on {prepared.describe_learned()}"
    return model


def _build_towers(prepared: Prepared, settings: Settings) -> tuple[TwoTowerModel, Epochs, int]:
    """An untrained model, its training batches by epoch, and how many events they hold."""
    seed, strategy = settings.seed, get_strategy(settings.strategy)
    tf.keras.utils.set_random_seed(seed)
    training, counts = prepared.build_training_examples(), prepared.count_events()
    num_events = int((training.target >= 0).sum())
    retrieval = divide_batch(settings.retrieval, strategy, num_events)
    with strategy.scope():
        model = build_model(
            prepared.tables,
            prepared.inputs,
            counts,
            training.novelty,
            settings.tower,
            settings.query,
            retrieval,
            seed,
        )

    moment_dropout = retrieval.moment_dropout if settings.split.leaves_moments_open else 0.0

    def draw_epoch(epoch: int) -> tf.data.Dataset:
        rng = np.random.default_rng([seed, epoch])
        size, history_dropout = retrieval.batch_size, retrieval.history_dropout
        return build_training_data(training, size, history_dropout, moment_dropout, rng)

    return model, draw_epoch, num_events
