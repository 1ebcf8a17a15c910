"""Why an item is recommended: the features that raised its score most, in words."""

from collections.abc import Mapping

import numpy as np

from feature_pipeline.features.similarity import build_specs
from feature_pipeline.schema import FeatureSpec
from inference.rerank import Ranked
from training_pipeline.ranking.model import Ranker
from training_pipeline.ranking.rows import RETRIEVAL_RANK, RETRIEVAL_SCORE

NUM_REASONS = 2
AFTER_LAST = "pair_transitions_last1"


class Explainer:
    """Turns what each feature adds to a score (SHAP) into reasons.

    Args:
        specs: the ranker's columns, in order; those without a `reason` say nothing to a person.
        ranker: whose scores are explained.
        titles: of all items [num_items] str.
        item_embeddings: [num_items, embedding_dim] float32, to name the nearest item of the history.
        vectors: content embeddings [num_items, dim] float32, for the same.
    """

    def __init__(
        self,
        specs: list[FeatureSpec],
        ranker: Ranker,
        titles: np.ndarray,
        item_embeddings: np.ndarray,
        vectors: Mapping[str, np.ndarray],
    ):
        self._specs = specs
        self._ranker = ranker
        self._titles = titles
        self._spaces = {RETRIEVAL_SCORE: item_embeddings, RETRIEVAL_RANK: item_embeddings}
        for name, space in vectors.items():
            self._spaces |= {spec.name: space for spec in build_specs(name)}

    def explain(self, ranked: Ranked, history: np.ndarray) -> list[list[str]]:
        """The strongest reasons of each recommendation, strongest first.

        Args:
            ranked: the recommendations.
            history: recent item positions of each query [num_queries, length] int, oldest first, -1 pads.
        """
        effects = self._ranker.explain(ranked.rows)
        return [
            self._choose(effect, ranked.rows.frame.iloc[row], ranked.item[row], history[ranked.query[row]])
            for row, effect in enumerate(effects)
        ]

    def _choose(self, effect: np.ndarray, row: Mapping[str, object], item: int, history: np.ndarray) -> list[str]:
        reasons: list[str] = []
        for column in np.argsort(-effect, kind="stable"):
            spec = self._specs[column]
            if effect[column] <= 0 or len(reasons) == NUM_REASONS:
                break
            if spec.reason and not any(reason.startswith(spec.reason) for reason in reasons):
                reasons.append(spec.reason + self._find_evidence(spec, row, item, history[history >= 0]))
        return reasons

    def _find_evidence(self, spec: FeatureSpec, row: Mapping[str, object], item: int, history: np.ndarray) -> str:
        if spec.side == "candidate" and spec.kind == "categorical":
            return f": {row[spec.name]}"
        if not len(history):
            return ""
        if spec.name == AFTER_LAST:
            return f": {self._titles[history[-1]]}"
        if spec.name in self._spaces:
            space = self._spaces[spec.name]
            return f": {self._titles[history[np.argmax(_cosines(space[history], space[item]))]]}"
        return ""


def _cosines(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
    return (vectors @ vector) / np.where(norms > 0, norms, 1)
