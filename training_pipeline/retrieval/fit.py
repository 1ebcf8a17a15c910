"""Training the two towers: validation every epoch, early stopping on it, the best weights kept."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training_pipeline.config import RetrievalConfig
from training_pipeline.retrieval.checkpoint import Checkpoint
from training_pipeline.retrieval.lazy_adam import LazyAdam
from training_pipeline.retrieval.model import EmbedCorpus, TwoTowerModel
from training_pipeline.retrieval.strategy import count_steps, distribute

OBJECTIVE = "val_factorized_top_k/ndcg_10"
# Steps until the learning rate stands at its full height, or a tenth of all where they are fewer.
_WARM_UP = 500

# The batches of an epoch, drawn anew for each; epochs count from 1.
Epochs = Callable[[int], tf.data.Dataset]


@dataclass(frozen=True)
class FittedRetrieval:
    """A trained model and how it got there.

    Attributes:
        model: with the weights of the best epoch.
        curve: one row an epoch: `epoch, loss, seconds` and the validation metrics.
    """

    model: TwoTowerModel
    curve: list[dict[str, float]]

    @property
    def best(self) -> dict[str, float]:
        """The epoch whose weights were kept."""
        return find_best(self.curve)

    @property
    def num_parameters(self) -> int:
        """Trainable numbers of both towers."""
        return int(sum(np.prod(v.shape) for v in self.model.trainable_variables))


def find_best(curve: list[dict[str, float]]) -> dict[str, float]:
    """The epoch with the highest validation NDCG@10."""
    return max(curve, key=lambda row: row[OBJECTIVE])


def fit_model(
    model: TwoTowerModel, training: Epochs, validation: tf.data.Dataset, config: RetrievalConfig, place: Path
) -> FittedRetrieval:
    """Trains until validation NDCG@10 stops getting better, and keeps the best weights.

    Args:
        model: untrained.
        training: see `build_training_data`.
        validation: see `build_validation_data`.
        config: epochs, patience, learning rate.
        place: where the state is kept, so that a run that was killed goes on.
    """
    checkpoint, curve = _start(model, training, config, place)
    bar = _open_bar("choose towers", config.epochs, len(curve))
    while len(curve) < config.epochs and not _is_exhausted(curve, config.patience):
        row = _run_epoch(model, training(len(curve) + 1))
        figures = model.evaluate(validation, callbacks=[EmbedCorpus()], return_dict=True, verbose=0)
        row |= {f"val_{name}": float(value) for name, value in figures.items()}
        curve.append({"epoch": len(curve) + 1, **row})
        checkpoint.save(curve, is_best=find_best(curve) is curve[-1])
        bar.set_postfix({name: f"{row[name]:.4f}" for name in ("loss", OBJECTIVE)})
        bar.update()
    bar.close()
    checkpoint.restore_best(int(find_best(curve)["epoch"]))
    return FittedRetrieval(model, curve)


def refit_model(
    model: TwoTowerModel, training: Epochs, epochs: int, config: RetrievalConfig, place: Path
) -> None:
    """Trains for as many epochs as validation has shown to be best, with nothing held out.

    Args:
        model: untrained.
        training: all events that may be learned.
        epochs: how many.
        config: learning rate.
        place: where the state is kept, so that a run that was killed goes on.
    """
    checkpoint, curve = _start(model, training, config, place)
    bar = _open_bar("refit towers", epochs, len(curve))
    while len(curve) < epochs:
        curve.append({"epoch": len(curve) + 1, **_run_epoch(model, training(len(curve) + 1))})
        checkpoint.save(curve, is_best=False)
        bar.set_postfix(loss=f"{curve[-1]['loss']:.4f}")
        bar.update()
    bar.close()


def _start(
    model: TwoTowerModel, training: Epochs, config: RetrievalConfig, place: Path
) -> tuple[Checkpoint, list[dict[str, float]]]:
    """Compiles the model, and puts back what an earlier run has left behind."""
    first = training(1)
    with model.distribute_strategy.scope():
        schedule = build_schedule(config, count_steps(first, model.distribute_strategy))
        model.compile(optimizer=LazyAdam(schedule, beta_2=0.98))
        # All variables must stand before they can be put back.
        model.compute_loss(next(iter(first)), training=False)
        model.optimizer.build(model.trainable_variables)
        checkpoint = Checkpoint(place, model)
        curve = checkpoint.resume()
    if curve:
        print(f"goes on after epoch {len(curve)}, which an earlier run had ended", file=sys.stderr)
    return checkpoint, curve


def build_schedule(
    config: RetrievalConfig, steps: int
) -> float | tf.keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate, or how it goes over all epochs: up in a straight line, and down along a cosine.

    Args:
        config: rate, schedule and epochs.
        steps: of one epoch.
    """
    if config.schedule == "constant":
        return config.learning_rate
    total = steps * config.epochs
    warm_up = min(_WARM_UP, total // 10)
    return tf.keras.optimizers.schedules.CosineDecay(
        0.0, total - warm_up, alpha=0.02, warmup_target=config.learning_rate, warmup_steps=warm_up
    )


def _run_epoch(model: TwoTowerModel, batches: tf.data.Dataset) -> dict[str, float]:
    began, strategy = time.perf_counter(), model.distribute_strategy
    shares, steps = distribute(batches, strategy), count_steps(batches, strategy)
    loss = model.fit(shares, steps_per_epoch=steps, verbose=0).history["loss"][-1]
    return {"loss": float(loss), "seconds": time.perf_counter() - began}


def _is_exhausted(curve: list[dict[str, float]], patience: int) -> bool:
    return bool(curve) and len(curve) - find_best(curve)["epoch"] >= patience


def _open_bar(title: str, epochs: int, done: int) -> "tqdm[None]":
    return tqdm(total=epochs, initial=done, desc=title, unit="epoch", file=sys.stderr, disable=None)
