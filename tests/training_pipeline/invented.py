"""Settings and small models for the tests of training."""

from typing import Any

import numpy as np

from training_pipeline.config import RankerConfig, RetrievalConfig, TowerConfig
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.fit import build_model
from training_pipeline.retrieval.inputs import SideInputs
from training_pipeline.retrieval.model import TwoTowerModel

HISTORY_LENGTH = 5
NOTHING = SideInputs({}, {}, {})
TOWER = TowerConfig(query=[8], candidate=[8])


def make_retrieval(**changes: Any) -> RetrievalConfig:
    """Settings of the towers, without dropout."""
    usual = {
        "embedding_dim": 4,
        "temperature": 1.0,
        "batch_size": 64,
        "epochs": 3,
        "patience": 2,
        "learning_rate": 0.01,
        "id_dropout": 0.0,
        "dropout": 0.0,
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
        "patience": 20,
    }
    return RankerConfig.model_validate(usual | changes)


def make_model(prepared: Prepared, **changes: Any) -> TwoTowerModel:
    """An untrained model of the tiny store."""
    counts: np.ndarray = prepared.count_events()
    return build_model(prepared.tables, prepared.inputs, counts, TOWER, make_retrieval(**changes))
