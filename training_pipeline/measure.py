"""Measuring baselines, retriever and ranker on the same held-out queries."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.features.numbered import number_events
from feature_pipeline.progress import report_step
from feature_pipeline.schema import ITEM_ID, USER_ID
from training_pipeline.evaluation.baselines.baseline import Baseline, count_pairs
from training_pipeline.evaluation.baselines.content_knn import join_contents, score_by_content
from training_pipeline.evaluation.baselines.item_knn import ItemKNN
from training_pipeline.evaluation.baselines.popularity import Popularity, select_recent
from training_pipeline.evaluation.baselines.transitions import count_transitions, score_by_transitions
from training_pipeline.evaluation.metrics import compute_metrics
from training_pipeline.evaluation.protocol import LIST_LENGTH, HeldOut, build_list_rows, build_metric_rows
from training_pipeline.evaluation.ranks import compute_ranks, compute_reranked_ranks, top_k
from training_pipeline.evaluation.results import HEADLINE_METRIC, MetricRow
from training_pipeline.evaluation.significance import Difference, compare_with_each
from training_pipeline.linear.ease import EASE, MAX_ITEMS
from training_pipeline.linear.signals import fit_slit
from training_pipeline.prepare import Prepared
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.retrieval.masked import hide_columns, hide_history, list_masks
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieved import Retrieved, embed, to_arrays

RETRIEVER = "two towers"
RANKER = "catboost"
MOMENT_HIDDEN = ", moment hidden"
RECENT_ITEMS = 20


@dataclass
class Measurement:
    """Figures of all models on one held-out split, added model by model.

    Attributes:
        prepared: tables and features.
        held_out: the queries.
        seed: of the bootstrap.
        rows: the figures so far.
        headline: NDCG@10 by query of each model so far [num_queries] float64.
        ranks: of the relevant items by each model so far [relevant.nnz] float64.
    """

    prepared: Prepared
    held_out: HeldOut
    seed: int
    rows: list[MetricRow] = field(default_factory=list)
    headline: dict[str, np.ndarray] = field(default_factory=dict)
    ranks: dict[str, np.ndarray] = field(default_factory=dict)

    def add_baselines(self) -> None:
        """Fits the baselines on the events that the towers learned from, and measures them."""
        tables, queries = self.prepared.tables, self.held_out.frame
        known = self.prepared.build_matrix()
        histories = known[tables.find_users(queries)]
        late = select_recent(self.prepared.learned_events)
        of_late = count_pairs(tables.find_users(late), tables.find_items(late[ITEM_ID]), known.shape)
        self._add_baseline("popularity", Popularity().fit(known), histories)
        self._add_baseline("recent popularity", Popularity().fit(of_late), histories)
        self._add_baseline("item kNN", ItemKNN().fit(known), histories)
        if known.shape[1] <= MAX_ITEMS:
            self._add_baseline("EASE", EASE().fit(known), histories)
            self._add_slit()
        else:
            print(f"EASE, SLIT left out: {known.shape[1]:,} items, more than {MAX_ITEMS:,}", file=sys.stderr)
        self._add_baselines_in_order()

    def _add_slit(self) -> None:
        slit = fit_slit(self.prepared.learned_events, self.prepared.tables)
        history = self.prepared.builder.find_history(self.held_out.frame, slit.length)
        self._add_scores("baseline", "SLIT", lambda block: slit.score(history[block]))

    def _add_baselines_in_order(self) -> None:
        """Measures those that read which items of the history came last."""
        tables = self.prepared.tables
        users, items = pd.Index(tables.users[USER_ID]), pd.Index(tables.items[ITEM_ID])
        followed = count_transitions(number_events(self.prepared.learned_events, users, items), len(items))
        recent = self.prepared.builder.find_history(self.held_out.frame, RECENT_ITEMS)
        self._add_scores("baseline", "last-item transitions", score_by_transitions(followed, recent))
        for content, vectors in join_contents(tables.item_vectors).items():
            self._add_scores("baseline", f"content kNN, {content}", score_by_content(vectors, recent))

    def add_retrieval(
        self, query_embeddings: np.ndarray, item_embeddings: np.ndarray, model: str = RETRIEVER
    ) -> None:
        """Measures the retrieval order.

        Args:
            query_embeddings: [num_queries, embedding_dim] float32.
            item_embeddings: [num_items, embedding_dim] float32.
            model: name for the table.
        """
        by_item = item_embeddings.T
        self._add_scores("retrieval", model, lambda block: query_embeddings[block] @ by_item)

    def add_ranking(self, candidates: Candidates, ranking_scores: np.ndarray, masked: str = "") -> None:
        """Measures the order end to end, after `add_retrieval`.

        Args:
            candidates: what the retriever handed over.
            ranking_scores: [num_queries, num_candidates] float32, minus infinity where padded.
            masked: what is hidden, behind the names of both models.
        """
        relevant, retrieved = self.held_out.relevant, self.ranks[RETRIEVER + masked]
        ranks = compute_reranked_ranks(retrieved, candidates.items, ranking_scores, relevant)
        order = np.argsort(-ranking_scores, axis=1, kind="stable")[:, :LIST_LENGTH]
        self._add(ranks, np.take_along_axis(candidates.items, order, axis=1), "ranking", RANKER + masked)

    def compare(self, model: str) -> list[Difference]:
        """What a model gains on each of the others measured so far, in NDCG@10."""
        others = {name: values for name, values in self.headline.items() if name != model}
        return compare_with_each(model, self.headline[model], others, self.seed)

    def find_gain(self) -> Difference:
        """What the ranker gains on the retrieval order alone, in NDCG@10."""
        others = {RETRIEVER: self.headline[RETRIEVER]}
        (gain,) = compare_with_each(RANKER, self.headline[RANKER], others, self.seed)
        return gain

    def _add_baseline(self, name: str, baseline: Baseline, histories: csr_array) -> None:
        self._add_scores("baseline", name, lambda block: baseline.score(histories[block]))

    def _add_scores(self, stage: str, model: str, score: Callable[[slice], np.ndarray]) -> None:
        ranks = compute_ranks(score, self.held_out.relevant, self.held_out.seen)
        lists = [
            top_k(score(block), self.held_out.seen[block], LIST_LENGTH)[0]
            for block in (slice(s, s + 512) for s in range(0, self.held_out.relevant.shape[0], 512))
        ]
        self._add(ranks, np.concatenate(lists), stage, model)

    def _add(self, ranks: np.ndarray, recommended: np.ndarray, stage: str, model: str) -> None:
        self.rows += build_metric_rows(self.held_out, ranks, stage, model, self.seed)
        self.ranks[model] = ranks
        self.headline[model] = compute_metrics(ranks, self.held_out.relevant.indptr)[HEADLINE_METRIC]
        vectors = self.prepared.tables.item_vectors
        self.rows += build_list_rows(self.held_out, recommended, vectors, stage, model, self.seed)


def measure(found: Retrieved, scores: np.ndarray, seed: int) -> Measurement:
    """Measures baselines, retrieval, and the order end to end.

    Args:
        found: what the towers retrieved.
        scores: the ranker's, of the candidates [num_queries, num_candidates] float32.
        seed: of the bootstrap.
    """
    with report_step(f"evaluate, {found.held_out.split}") as step:
        measurement = Measurement(found.prepared, found.held_out, seed)
        measurement.add_baselines()
        measurement.add_retrieval(found.query_embeddings, found.item_embeddings)
        measurement.add_ranking(found.candidates, scores)
        step.rows = found.held_out.relevant.shape[0]
    return measurement


def measure_untimed(found: Retrieved, scores: np.ndarray, seed: int) -> Measurement:
    """Measures retrieval and the order end to end where nobody knows when is asked.

    Args:
        found: what the towers retrieved at such moments.
        scores: the ranker's, of the candidates [num_queries, num_candidates] float32.
        seed: of the bootstrap.
    """
    measurement = Measurement(found.prepared, found.held_out, seed)
    measurement.add_retrieval(found.query_embeddings, found.item_embeddings, RETRIEVER + MOMENT_HIDDEN)
    measurement.add_ranking(found.candidates, scores, MOMENT_HIDDEN)
    return measurement


def measure_masked(found: Retrieved, model: TwoTowerModel, seed: int) -> Measurement:
    """Measures the towers on the same queries as if all users were new, and without kinds of content.

    What is hidden is hidden from the candidates and from the items of the histories alike.

    Args:
        found: what the towers retrieved with nothing hidden.
        model: the towers.
        seed: of the bootstrap.
    """
    with report_step(f"evaluate masked, {found.held_out.split}") as step:
        prepared, held_out = found.prepared, found.held_out
        measurement = Measurement(prepared, held_out, seed)
        as_new = embed(model, hide_history(prepared, held_out), found.item_embeddings)
        measurement.add_retrieval(as_new, found.item_embeddings, f"{RETRIEVER}, history hidden")
        items = to_arrays(model.items)
        for content, columns in list_masks(prepared.tables.specs["items"], items).items():
            item_embeddings = model.embed_items(hide_columns(items, columns)).numpy()
            queries = embed(model, found.examples, item_embeddings)
            measurement.add_retrieval(queries, item_embeddings, f"{RETRIEVER}, {content} hidden")
        step.rows = held_out.relevant.shape[0]
    return measurement
