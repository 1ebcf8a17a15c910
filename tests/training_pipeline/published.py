"""A bundle of the tiny store: untrained towers, and a ranker that has learned from what they retrieve."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from feature_pipeline.store import FeatureStore
from tests.training_pipeline.invented import make_model, make_ranker, make_transformer
from training_pipeline.bundle import Bundle, write_bundle
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.evaluation.results import MetricRow
from training_pipeline.linear.signals import Signal, fit_signals
from training_pipeline.prepare import Prepared
from training_pipeline.ranked import FittedRanking
from training_pipeline.ranking.calibration import fit_calibration
from training_pipeline.ranking.candidates import Candidates, retrieve_candidates
from training_pipeline.ranking.cross_fit import cross_fit
from training_pipeline.ranking.rows import RankingRows, build_row_builder
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.retrieval.model import TwoTowerModel

# Everything that a query can hold: places, times, and items by their index.
QUERY = make_transformer(items="own")
METRICS = [MetricRow("retrieval", "two towers", "test", "all", "NDCG@10", 0.5, 0.4, 0.6, 9)]
CONFIG: dict[str, Any] = {
    "split": {"name": "temporal"},
    "query": QUERY.model_dump(),
    "ranker": make_ranker().model_dump(),
}


@dataclass(frozen=True)
class Parts:
    """What a bundle is made of, and what its parts make of the validation queries.

    Attributes:
        model: the towers.
        signals: as fitted on the training window.
        ranking: the ranker and its calibration.
        query_embeddings: [num_queries, embedding_dim] float32.
        candidates: what the towers retrieve.
        rows: the candidates as ranking rows.
        usual: arguments of `write_bundle`.
    """

    model: TwoTowerModel
    signals: list[Signal]
    ranking: FittedRanking
    query_embeddings: np.ndarray
    candidates: Candidates
    rows: RankingRows
    usual: dict[str, Any]

    def publish(self, artifacts: Path, **changes: Any) -> Bundle:
        """Writes the bundle to `artifacts/tiny/bundles`, with the arguments that a test changes."""
        return write_bundle(artifacts / "tiny" / "bundles", **(self.usual | changes))


def make_parts(store: FeatureStore, prepared: Prepared, validation: HeldOut) -> Parts:
    """Makes all parts of a bundle."""
    model, config = make_model(prepared, QUERY), make_ranker()
    model.compute_loss(replace(prepared, query=QUERY).build_training_examples().take(np.arange(4)))
    tables, corpus = prepared.tables, model.embed_corpus().numpy()
    examples = prepared.build_held_out_examples(validation)
    users, index = prepared.inputs.user.encode(tables.users, {}), prepared.inputs.index_items(tables.items)
    queries = embed_queries(model.query_tower, examples, users, corpus, index)
    candidates = retrieve_candidates(queries, corpus, validation.seen, config.candidates)
    signals = fit_signals(prepared.learned_events, tables)
    rows = build_row_builder(tables, prepared.builder, signals, config).build(validation.frame, candidates)
    chosen = np.zeros(candidates.items.shape, bool)
    chosen[candidates.items >= 0] = by_row = validation.relevant[rows.query, rows.item]
    fitted = cross_fit(rows, by_row, candidates.items, config, seed=0, threads=1)
    ranking = FittedRanking(fitted, fit_calibration(fitted.scores, chosen, config.calibration))
    usual = {
        "store": store,
        "inputs": prepared.inputs,
        "model": model,
        "query_signature": model.build_query_signature(examples.moment),
        "signals": signals,
        "ranking": ranking,
        "metrics": METRICS,
        "report": write_page,
        "description": {"config": CONFIG, "curve": []},
    }
    return Parts(model, signals, ranking, queries, candidates, rows, usual)


def write_page(place: Path) -> None:
    """A report, and a table that belongs to it."""
    (place / "report.html").write_text("<html></html>")
    (place / "targets.csv").write_text("user_id,fate\n")
