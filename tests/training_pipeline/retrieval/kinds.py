"""Towers over kinds of users and ids of items, which learn how often each kind chooses each item."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.training_pipeline.invented import NOTHING, make_retrieval
from training_pipeline.retrieval.batches import build_training_data
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX, CandidateTower
from training_pipeline.retrieval.dataset import Examples, TrainingExamples
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK
from training_pipeline.retrieval.fit import refit_model
from training_pipeline.retrieval.history import MeanHistory
from training_pipeline.retrieval.inputs import FIRST_KNOWN, SideInputs, Vocabulary
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.negatives.draw import build_negatives
from training_pipeline.retrieval.novelty import Novelty
from training_pipeline.retrieval.query_tower import QueryTower

DIM, BATCH_SIZE = 8, 1000


def fit_kinds(
    kind: np.ndarray,
    target: np.ndarray,
    is_new: np.ndarray,
    novelty: Novelty,
    place: Path,
    **changes: Any,
) -> TwoTowerModel:
    """Trains until the scores have settled.

    Args:
        kind: of each event's user [num_events] int, from 0.
        target: chosen items [num_events] int.
        is_new: whether the item is new to the event [num_events] bool.
        novelty: of the items.
        place: for the checkpoints.
        changes: of the settings.
    """
    tf.keras.utils.set_random_seed(0)
    config = make_retrieval(
        epochs=50, learning_rate=0.02, schedule="cosine", batch_size=BATCH_SIZE, **changes
    )
    num_kinds, num_items = int(kind.max()) + 1, len(novelty.presence)
    kinds = SideInputs({"kind": Vocabulary([f"kind {n}" for n in range(num_kinds)], 1)}, {}, {})
    top_k = FactorizedTopK(num_items, DIM)
    model = TwoTowerModel(
        query_tower=QueryTower(kinds, NOTHING, MeanHistory(1), None, [16], DIM, dropout=0.0),
        candidate_tower=CandidateTower(NOTHING, num_items + FIRST_KNOWN, [], DIM, 0.0, 0.0),
        users={"kind": np.arange(num_kinds, dtype=np.int32)[:, None] + FIRST_KNOWN},
        items={ITEM_INDEX: np.arange(num_items, dtype=np.int32) + FIRST_KNOWN},
        negatives=build_negatives(config, np.bincount(target, minlength=num_items), top_k.candidates),
        novelty=novelty,
        temperature=1.0,
        top_k=top_k,
        seed=0,
    )
    strength = np.ones((len(kind), 1), np.float32)
    windows = TrainingExamples(
        make_examples(kind), {}, {}, target[:, None].astype(np.int32), is_new[:, None], strength, novelty
    )

    def draw_epoch(epoch: int) -> tf.data.Dataset:
        return build_training_data(windows, BATCH_SIZE, 0.0, 0.0, np.random.default_rng([1, epoch]))

    refit_model(model, draw_epoch, epochs=config.epochs, config=config, place=place)
    return model


def make_examples(kind: np.ndarray) -> Examples:
    """One query of a user of each kind [num_queries] int, without a past."""
    return Examples(
        user=kind.astype(np.int32),
        moment={},
        history=np.full((len(kind), 1), -1, np.int32),
        times=np.zeros((len(kind), 2), np.int64),
        untimed=np.zeros((len(kind), 1), bool),
    )


def embed_kinds(model: TwoTowerModel) -> np.ndarray:
    """Query embeddings of one user of each kind [num_kinds, DIM]."""
    kind = np.arange(len(model.users["kind"]), dtype=np.int32)
    vectors = tf.zeros([len(kind), 1, DIM])
    embedded = model.embed_queries(make_examples(kind).take(kind), vectors, training=False)
    queries: np.ndarray = embedded[:, 0].numpy()
    return queries
