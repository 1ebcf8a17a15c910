"""Why an item is recommended: the features that raised its score most, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from feature_pipeline.features.pair_category import name_met, name_share
from feature_pipeline.features.pair_similarity import build_specs, normalize
from feature_pipeline.schema import FeatureSpec
from inference.modality import Modalities
from inference.rank import Ranked
from training_pipeline.ranking.model import Ranker
from training_pipeline.ranking.rows import RETRIEVAL_SPECS

NUM_REASONS = 2
AFTER_LAST = "pair_transitions_last1"


class Explainer:
    """Turns what each feature adds to a score (SHAP) into reasons.

    Args:
        specs: the ranker's columns, in order; those without a `reason` say nothing to a person.
        ranker: whose scores are explained; None where the retrieval order is shown.
        titles: of all items [num_items] str.
        item_embeddings: [num_items, embedding_dim] float32, to name the nearest item of the history.
        vectors: content embeddings [num_items, dim] float32, for the same, and to say in what it is near.
    """

    def __init__(
        self,
        specs: list[FeatureSpec],
        ranker: Ranker | None,
        titles: np.ndarray,
        item_embeddings: np.ndarray,
        vectors: Mapping[str, np.ndarray],
    ):
        self._specs = specs
        self._ranker = ranker
        self._titles = titles
        self._categories = {
            name: spec.name
            for spec in specs
            if spec.side == "candidate" and spec.kind == "categorical"
            for name in (spec.name, name_met(spec.name), name_share(spec.name))
        }
        self._modalities = Modalities(vectors)
        self._spaces = dict.fromkeys((spec.name for spec in RETRIEVAL_SPECS), item_embeddings)
        for name, space in vectors.items():
            self._spaces |= {spec.name: space for spec in build_specs(name)}

    def explain(self, ranked: Ranked, history: np.ndarray) -> list[list[str]]:
        """The strongest reasons of each recommendation, strongest first, `NUM_REASONS` at most.

        Args:
            ranked: the recommendations.
            history: recent item positions of each query [num_queries, length] int, oldest first, -1 pads.
        """
        pasts = [history[query][history[query] >= 0] for query in ranked.query]
        if self._ranker is None or ranked.rows is None:
            return [self._name_nearest(item, past) for item, past in zip(ranked.item, pasts, strict=True)]
        effects = self._ranker.explain(ranked.rows)[:, : len(self._specs)]
        values = ranked.rows.columns.values()
        rows = [dict(zip(ranked.rows.columns, row, strict=True)) for row in zip(*values, strict=True)]
        return [
            self._choose(effect, row, item, past)
            for effect, row, item, past in zip(effects, rows, ranked.item, pasts, strict=True)
        ]

    def _name_nearest(self, item: int, past: np.ndarray) -> list[str]:
        """Of the retrieval order there is one reason: the towers hold the item for close to the history."""
        return [self._say(RETRIEVAL_SPECS[0], {}, item, past)] if len(past) else []

    def _choose(self, effect: np.ndarray, row: dict[Any, Any], item: int, past: np.ndarray) -> list[str]:
        reasons: dict[str, str] = {}
        for column in np.argsort(-effect, kind="stable"):
            spec = self._specs[column]
            if effect[column] <= 0 or len(reasons) == NUM_REASONS:
                break
            if spec.reason and spec.reason not in reasons and self._is_true(spec, row[spec.name], past):
                reasons[spec.reason] = self._say(spec, row, item, past)
        return list(reasons.values())

    def _is_true(self, spec: FeatureSpec, value: Any, past: np.ndarray) -> bool:
        """Whether the words hold here: a score may rise because a count is zero, or a past is missing."""
        if spec.side == "pair" and not len(past):
            return False
        if spec in RETRIEVAL_SPECS:
            return True
        return bool(value) if spec.kind == "categorical" else value > 0

    def _say(self, spec: FeatureSpec, row: dict[Any, Any], item: int, past: np.ndarray) -> str:
        """The words, and what they point at: a category's values, or the title of an item of the history."""
        if spec.name in self._categories:
            values = str(row[self._categories[spec.name]]).replace("|", ", ")
            return f"{spec.reason}: {values}"
        if spec.name == AFTER_LAST:
            return f"{spec.reason}: {self._titles[past[-1]]}"
        if spec.name not in self._spaces:
            return str(spec.reason)
        space = self._spaces[spec.name]
        nearest = past[np.argmax(normalize(space[past]) @ space[item])]
        # The towers mix all contents; the other spaces are of one, which the words name.
        modality = self._modalities.find(item, nearest) if spec in RETRIEVAL_SPECS else None
        by = f" by its {modality}" if modality else ""
        return f"{spec.reason}{by}: {self._titles[nearest]}"
