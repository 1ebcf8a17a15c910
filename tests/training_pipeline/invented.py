"""Settings and small models for the tests of training."""

from typing import Any

from tests.tiny_store import NUM_ITEMS
from training_pipeline.config import (
    MeanConfig,
    QueryConfig,
    RankerConfig,
    RetrievalConfig,
    TowerConfig,
    TransformerConfig,
)
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.build import build_model
from training_pipeline.retrieval.inputs import SideInputs
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.novelty import Novelty

HISTORY_LENGTH = 5
NOTHING = SideInputs({}, {}, {})
ALL_KNOWN = Novelty.all_known(NUM_ITEMS)
TOWER = TowerConfig(query=[8], candidate=[8])
MEAN = MeanConfig(history="mean", length=HISTORY_LENGTH, items="candidate")
NEGATIVES = {"uniform": 0, "in_batch": 64, "hard": 0, "log_q": True, "frequency": "counted"}


def make_transformer(**changes: Any) -> TransformerConfig:
    """A small transformer over the same histories."""
    usual = {"length": HISTORY_LENGTH, "items": "candidate", "blocks": 1, "heads": 2, "with_mean": False}
    return TransformerConfig.model_validate({"history": "transformer", **usual, **changes})


def make_retrieval(negatives: dict[str, Any] | None = None, **changes: Any) -> RetrievalConfig:
    """Settings of the towers, without dropout; of the negatives, what is not given stays as usual."""
    usual = {
        "embedding_dim": 4,
        "temperature": 1.0,
        "loss": "sampled_softmax",
        "negatives": NEGATIVES | (negatives or {}),
        "batch_size": 64,
        "epochs": 3,
        "patience": 2,
        "learning_rate": 0.01,
        "schedule": "constant",
        "id_dropout": 0.0,
        "history_dropout": 0.0,
        "moment_dropout": 0.0,
        "dropout": 0.0,
        "precision": "float32",
    }
    return RetrievalConfig.model_validate(usual | changes)


def make_ranker(**changes: Any) -> RankerConfig:
    """Settings of a small ranker."""
    usual = {
        "loss": "QuerySoftMax",
        "candidates": 10,
        "negatives": 5,
        "iterations": 60,
        "depth": 3,
        "learning_rate": 0.3,
        "borders": 254,
        "patience": 20,
        "folds": 3,
        "embeddings": False,
        "monotone": {},
        "calibration": "isotonic",
    }
    return RankerConfig.model_validate(usual | changes)


def make_model(
    prepared: Prepared,
    query: QueryConfig = MEAN,
    seed: int = 0,
    novelty: Novelty = ALL_KNOWN,
    **changes: Any,
) -> TwoTowerModel:
    """An untrained model of the tiny store."""
    counts, retrieval = prepared.count_events(), make_retrieval(**changes)
    return build_model(prepared.tables, prepared.inputs, counts, novelty, TOWER, query, retrieval, seed)
