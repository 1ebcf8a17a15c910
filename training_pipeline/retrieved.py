"""What the towers hand over for held-out queries, and what the ranker then reads of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from feature_pipeline.point_in_time import forget_moments
from feature_pipeline.progress import report_step
from training_pipeline.config import RankerConfig
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.linear.signals import fit_signals
from training_pipeline.prepare import Prepared
from training_pipeline.ranking.candidates import Candidates, retrieve_candidates
from training_pipeline.ranking.rows import RankingRows, build_row_builder
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.dataset import Examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.retrieval.inputs import Arrays
from training_pipeline.retrieval.model import TwoTowerModel


@dataclass(frozen=True)
class Retrieved:
    """What the retriever says of some held-out queries.

    Attributes:
        prepared: tables and features, and what was learned.
        held_out: the queries.
        examples: the same as the towers read them.
        query_embeddings: [num_queries, embedding_dim] float32.
        item_embeddings: [num_items, embedding_dim] float32.
        candidates: what it hands over to the ranker.
        rows: the candidates as ranking rows.
    """

    prepared: Prepared
    held_out: HeldOut
    examples: Examples
    query_embeddings: np.ndarray
    item_embeddings: np.ndarray
    candidates: Candidates
    rows: RankingRows

    @property
    def chosen(self) -> np.ndarray:
        """Whether the user then chose the candidate [num_queries, num_candidates] bool."""
        chosen = np.zeros(self.candidates.items.shape, bool)
        chosen[self.candidates.items >= 0] = self.held_out.relevant[self.rows.query, self.rows.item]
        return chosen


def retrieve(
    prepared: Prepared, model: TwoTowerModel, split: str, config: RankerConfig, untimed: bool = False
) -> Retrieved:
    """Retrieves candidates for the queries of a split, and builds their ranking rows.

    Args:
        prepared: tables and features; what it says was learned, the towers have learned.
        model: the towers.
        split: `validation` or `test`.
        config: how many candidates, and whether the ranker reads embeddings.
        untimed: whether the queries are asked at moments nobody knows, see `forget_moments`.
    """
    with report_step(f"candidates, {split}") as step:
        held_out = prepared.build_held_out(split)
        if untimed:
            frame = forget_moments(held_out.frame, prepared.tables.interactions)
            held_out = replace(held_out, frame=frame)
            step.note = "moment hidden"
        examples = prepared.build_held_out_examples(held_out)
        item_embeddings = model.embed_corpus().numpy()
        query_embeddings = embed(model, examples, item_embeddings)
        candidates = retrieve_candidates(query_embeddings, item_embeddings, held_out.seen, config.candidates)
        signals = fit_signals(prepared.learned_events, prepared.tables)
        builder = build_row_builder(prepared.tables, prepared.builder, signals, config)
        rows = builder.build(held_out.frame, candidates)
        step.rows = len(rows.query)
    return Retrieved(prepared, held_out, examples, query_embeddings, item_embeddings, candidates, rows)


def embed(model: TwoTowerModel, examples: Examples, item_embeddings: np.ndarray) -> np.ndarray:
    """Embeds queries [num_queries, embedding_dim] float32; see `embed_queries`."""
    users, items = to_arrays(model.users), to_arrays(model.items)
    return embed_queries(model.query_tower, examples, users, item_embeddings, items[ITEM_INDEX])


def to_arrays(encoded: Mapping[str, tf.Tensor]) -> Arrays:
    """Encoded users or items out of TensorFlow."""
    return {name: values.numpy() for name, values in encoded.items()}
