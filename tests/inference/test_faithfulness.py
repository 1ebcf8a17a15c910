"""Reasons are faithful: without what the first one points at a score falls further than without the rest."""

from dataclasses import replace

import numpy as np
import pytest

from feature_pipeline.features.pair_similarity import normalize
from inference.moment import build_queries
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import open_live_features
from training_pipeline.ranking.candidates import retrieve_candidates
from training_pipeline.ranking.rows import RankingRows, build_row_builder
from training_pipeline.retrieval.dataset import Examples, build_examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.seen import mark

SHOWN = 5


def t_value(differences: list[float]) -> float:
    """The mean in standard errors."""
    values = np.array(differences)
    return float(values.mean() / (values.std(ddof=1) / np.sqrt(len(values))))


@pytest.fixture(scope="module")
def asked(bundle: Bundle) -> tuple[Examples, np.ndarray, RankingRows]:
    """All users as the towers read them, their best items, and what the ranker reads of these."""
    tables, live = bundle.tables, open_live_features(bundle.tables, bundle.standing)
    queries = build_queries(bundle, live, list(tables.users["user_id"]), None, {})
    users = np.arange(len(queries))
    examples = build_examples(queries, users, bundle.inputs, live.builder, bundle.query.length)
    seen = mark(*live.events.find_met(queries), (len(queries), len(tables.items)))
    found = retrieve_candidates(embed(bundle, examples), bundle.item_embeddings, seen, SHOWN)
    builder = build_row_builder(tables, live.builder, bundle.signals, bundle.ranker_config)
    return examples, found.items, builder.build(queries, found)


def embed(bundle: Bundle, examples: Examples) -> np.ndarray:
    tables = bundle.tables
    users = bundle.inputs.user.encode(tables.users, tables.user_vectors)
    index = bundle.inputs.index_items(tables.items)
    return embed_queries(bundle.query_tower, examples, users, bundle.item_embeddings, index)


def test_the_item_named_pulled_more_than_the_others(bundle, asked):
    examples, shown, _ = asked
    items = bundle.item_embeddings
    queries = embed(bundle, examples)
    without = []  # by place of the history, counted from its end
    for place in range(1, examples.history.shape[1] + 1):
        history = examples.history.copy()
        history[:, -place] = -1
        without.append(embed(bundle, replace(examples, history=history)))
    differences = []
    for query, (past, best) in enumerate(zip(examples.history[:, ::-1], shown, strict=True)):
        known = np.flatnonzero(past >= 0)
        for item in best[best >= 0] if len(known) > 1 else ():
            falls = np.array([(queries[query] - without[place][query]) @ items[item] for place in known])
            named = int(np.argmax(normalize(items[past[known]]) @ items[item]))
            differences.append(falls[named] - np.delete(falls, named).mean())
    assert len(differences) > 100
    assert t_value(differences) > 3


def test_the_first_reason_raised_the_score_more_than_the_others(bundle, asked):
    """A column is taken away by the values that other rows have there."""
    rows, ranker = asked[2], bundle.ranker
    effects, scores = ranker.explain(rows), ranker.score(rows)
    names, order = list(rows.columns), np.random.default_rng(0).permutation(len(rows.query))
    falls = np.empty((len(scores), len(names)))
    for place, name in enumerate(names):
        changed = {**rows.columns, name: rows.columns[name][order]}
        falls[:, place] = scores - ranker.score(replace(rows, columns=changed))
    first = effects.argmax(axis=1)
    rest = np.delete(np.arange(len(names)), 0)
    differences = [
        own[top] - own[np.where(rest == top, 0, rest)].mean() for own, top in zip(falls, first, strict=True)
    ]
    assert t_value(differences) > 3
