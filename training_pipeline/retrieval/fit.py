"""Training the two towers: validation every epoch, early stopping on it, the best weights kept."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training_pipeline.config import RetrievalConfig, TowerConfig
from training_pipeline.retrieval.candidate_tower import CandidateTower
from training_pipeline.retrieval.dataset import Tables, TowerInputs
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK
from training_pipeline.retrieval.inputs import FIRST_KNOWN
from training_pipeline.retrieval.model import EmbedCorpus, TwoTowerModel
from training_pipeline.retrieval.query_tower import QueryTower

OBJECTIVE = "val_factorized_top_k/ndcg_10"


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
        return max(self.curve, key=lambda row: row[OBJECTIVE])

    @property
    def num_parameters(self) -> int:
        """Trainable numbers of both towers."""
        return int(sum(np.prod(v.shape) for v in self.model.trainable_variables))


def build_model(
    tables: Tables,
    inputs: TowerInputs,
    item_counts: np.ndarray,
    tower: TowerConfig,
    retrieval: RetrievalConfig,
) -> TwoTowerModel:
    """Builds an untrained model.

    Args:
        tables: the feature store's tables.
        inputs: as fitted on the training window.
        item_counts: training events of each item [num_items] int.
        tower: hidden widths.
        retrieval: everything else.
    """
    dim = retrieval.embedding_dim
    num_indices = len(inputs.item_ids.values) + FIRST_KNOWN
    return TwoTowerModel(
        query_tower=QueryTower(inputs.user, inputs.moment, tower.query, dim, retrieval.dropout),
        candidate_tower=CandidateTower(
            inputs.item, num_indices, tower.candidate, dim, retrieval.id_dropout, retrieval.dropout
        ),
        users=inputs.user.encode(tables.users, tables.user_vectors),
        items=inputs.encode_items(tables.items, tables.item_vectors),
        sampling_probability=(item_counts / item_counts.sum()).astype(np.float32),
        temperature=retrieval.temperature,
        top_k=FactorizedTopK(len(tables.items), dim),
    )


def fit_model(
    model: TwoTowerModel, training: tf.data.Dataset, validation: tf.data.Dataset, config: RetrievalConfig
) -> FittedRetrieval:
    """Trains until validation NDCG@10 stops getting better, and keeps the best weights.

    Args:
        model: untrained.
        training: see `build_training_data`.
        validation: see `build_validation_data`.
        config: epochs, patience, learning rate.
    """
    stopping = tf.keras.callbacks.EarlyStopping(
        monitor=OBJECTIVE, mode="max", patience=config.patience, restore_best_weights=True
    )
    curve = EpochCurve(config.epochs, "choose towers")
    model.compile(optimizer=tf.keras.optimizers.Adam(config.learning_rate))
    callbacks = [EmbedCorpus(), stopping, curve]
    model.fit(training, validation_data=validation, epochs=config.epochs, callbacks=callbacks, verbose=0)
    return FittedRetrieval(model, curve.rows)


def refit_model(
    model: TwoTowerModel, training: tf.data.Dataset, epochs: int, config: RetrievalConfig
) -> None:
    """Trains for as many epochs as validation has shown to be best, with nothing held out.

    Args:
        model: untrained.
        training: all events that may be learned.
        epochs: how many.
        config: learning rate.
    """
    model.compile(optimizer=tf.keras.optimizers.Adam(config.learning_rate))
    model.fit(training, epochs=epochs, callbacks=[EpochCurve(epochs, "refit towers")], verbose=0)


class EpochCurve(tf.keras.callbacks.Callback):
    """Keeps loss, validation metrics and seconds of each epoch, and shows them on a progress bar.

    Args:
        epochs: how many at most.
        title: of the bar.
    """

    def __init__(self, epochs: int, title: str):
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._bar = tqdm(total=epochs, desc=title, unit="epoch", file=sys.stderr, disable=None)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Starts the clock."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Adds a row."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, "seconds": time.perf_counter() - self._began, **values})
        self._bar.set_postfix({name: f"{values[name]:.4f}" for name in ("loss", OBJECTIVE) if name in values})
        self._bar.update()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Closes the bar."""
        self._bar.close()
