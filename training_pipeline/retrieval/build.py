"""An untrained two-tower model, from the settings and what the feature store holds."""

import numpy as np
import tensorflow as tf

from training_pipeline.config import MeanConfig, QueryConfig, RetrievalConfig, TowerConfig
from training_pipeline.retrieval.candidate_tower import CandidateTower
from training_pipeline.retrieval.dataset import Tables, TowerInputs
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK
from training_pipeline.retrieval.history import MeanHistory, TransformerHistory
from training_pipeline.retrieval.inputs import FIRST_KNOWN
from training_pipeline.retrieval.layers import small_normal
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.negatives.draw import build_negatives
from training_pipeline.retrieval.novelty import Novelty
from training_pipeline.retrieval.query_tower import QueryTower


def build_model(
    tables: Tables,
    inputs: TowerInputs,
    item_counts: np.ndarray,
    novelty: Novelty,
    tower: TowerConfig,
    query: QueryConfig,
    retrieval: RetrievalConfig,
    seed: int,
) -> TwoTowerModel:
    """Builds an untrained model.

    Args:
        tables: the feature store's tables.
        inputs: as fitted on the training window.
        item_counts: training events of each item [num_items] int.
        novelty: how the items look to the queries of training.
        tower: hidden widths.
        query: the history encoder.
        retrieval: everything else.
        seed: of the negatives.
    """
    dim, dropout = retrieval.embedding_dim, retrieval.dropout
    num_indices = len(inputs.item_ids.values) + FIRST_KNOWN
    own_items = tf.keras.layers.Embedding(num_indices, dim, small_normal(), name="items", dtype="float32")
    top_k = FactorizedTopK(len(tables.items), dim)
    return TwoTowerModel(
        query_tower=QueryTower(
            user=inputs.user,
            moment=inputs.moment,
            history=_build_history(query, dim, dropout),
            items=own_items if query.items == "own" else None,
            widths=tower.query,
            embedding_dim=dim,
            dropout=dropout,
        ),
        candidate_tower=CandidateTower(
            inputs.item, num_indices, tower.candidate, dim, retrieval.id_dropout, dropout
        ),
        users=inputs.user.encode(tables.users, tables.user_vectors),
        items=inputs.encode_items(tables.items, tables.item_vectors),
        negatives=build_negatives(retrieval, item_counts, top_k.candidates),
        novelty=novelty,
        temperature=retrieval.temperature,
        top_k=top_k,
        seed=seed,
    )


def _build_history(query: QueryConfig, dim: int, dropout: float) -> tf.keras.layers.Layer:
    if isinstance(query, MeanConfig):
        return MeanHistory(query.length)
    return TransformerHistory(query.length, dim, query.blocks, query.heads, dropout, query.with_mean)
