"""Recommendations by the code that training and evaluation run: what serving must agree with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.point_in_time import find_recent_events
from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.splits import build_serving_queries
from inference.columns import RANKING_SCORE
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import build_feature_builder
from training_pipeline.ranking.candidates import retrieve_candidates
from training_pipeline.ranking.rows import RETRIEVAL_SCORE, build_row_builder
from training_pipeline.retrieval.dataset import build_examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.seen import find_seen, mark


def replay(bundle: Bundle, engine: EngineConfig, asked: pd.DataFrame) -> pd.DataFrame:
    """Scores every candidate of some queries.

    Args:
        bundle: the model.
        engine: runs the feature expressions, as it does for training.
        asked: by users of the bundle, see `build_serving_queries`.

    Returns:
        `user_id, item_id, retrieval_score, ranking_score`, user by user, best first by retrieval; the
        ranking score is the retrieval score where the bundle has no ranker.
    """
    tables, config = bundle.tables, bundle.ranker_config
    builder = build_feature_builder(tables, engine)
    queries = _describe(bundle, builder, asked)
    embedded = _embed(bundle, builder, queries)
    num_items = len(tables.items)
    seen = find_seen(queries, tables.interactions, builder, num_items)
    if bundle.store.dataset.repeats:
        seen = mark(np.empty(0, int), np.empty(0, int), (len(queries), num_items))
    candidates = retrieve_candidates(embedded, bundle.item_embeddings, seen, config.candidates)
    scores = candidates.scores
    if bundle.ranker is not None:
        rows = build_row_builder(tables, builder, bundle.signals, config).build(queries, candidates)
        scores = bundle.ranker.score_candidates(rows, candidates.items)
    query, place = np.nonzero(candidates.items >= 0)
    return pd.DataFrame(
        {
            USER_ID: queries[USER_ID].to_numpy()[query],
            ITEM_ID: tables.items[ITEM_ID].to_numpy()[candidates.items[query, place]],
            RETRIEVAL_SCORE: candidates.scores[query, place],
            RANKING_SCORE: scores[query, place],
        }
    )


def embed_users(bundle: Bundle, engine: EngineConfig, user_ids: Sequence[str]) -> np.ndarray:
    """What the query tower makes of users at their default moments [num_users, embedding_dim] float32."""
    builder = build_feature_builder(bundle.tables, engine)
    asked = build_serving_queries(bundle.tables.interactions, list(user_ids), bundle.split)
    return _embed(bundle, builder, _describe(bundle, builder, asked))


def _describe(bundle: Bundle, builder: FeatureBuilder, queries: pd.DataFrame) -> pd.DataFrame:
    """Queries with the moment's features."""
    computed = builder.compute_query_features(queries)
    return pd.concat([queries, computed, _find_context(bundle, queries)], axis=1)


def _embed(bundle: Bundle, builder: FeatureBuilder, queries: pd.DataFrame) -> np.ndarray:
    tables = bundle.tables
    known = tables.find_users(queries)
    examples = build_examples(queries, known, bundle.inputs, builder, bundle.query.length)
    users = bundle.inputs.user.encode(tables.users, tables.user_vectors)
    item_index = bundle.inputs.index_items(tables.items)
    return embed_queries(bundle.query_tower, examples, users, bundle.item_embeddings, item_index)


def _find_context(bundle: Bundle, queries: pd.DataFrame) -> pd.DataFrame:
    """The context of each user's latest event."""
    declared = bundle.store.dataset.interactions.context
    events = bundle.tables.interactions
    latest = events[list(declared)].reindex(find_recent_events(queries, events, 1)[:, 0])
    columns: dict[str, Any] = {
        name: [value if isinstance(value, np.ndarray) else [] for value in latest[name]]
        if feature.kind == "categorical"
        else latest[name].to_numpy()
        for name, feature in declared.items()
    }
    return pd.DataFrame(columns, index=queries.index)
