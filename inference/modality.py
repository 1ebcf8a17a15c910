"""By which of their contents two items are alike: the description, the picture, or neither."""

from collections.abc import Mapping

import numpy as np

from feature_pipeline.features.pair_similarity import normalize

# Pairs that are nearer than usual by so many standard deviations are alike.
REMARKABLE = 1.0
_OTHERS = 256
# What spreads less is rounding.
_LEAST = 1e-6


class Modalities:
    """Compares the cosine of two items with those of one of them to items from all over the catalogue.

    Args:
        vectors: content embeddings [num_items, dim] float32 by column, as `description_embedding`; zero rows
            have no such content.
    """

    def __init__(self, vectors: Mapping[str, np.ndarray]):
        self._vectors = vectors
        self._others = {name: _spread(values) for name, values in vectors.items()}

    def find(self, item: int, other: int) -> str | None:
        """The content in which two items are alike most remarkably, as `description`; None for none."""
        found = {name: self._compare(name, item, other) for name in self._vectors}
        best = max(found, key=found.__getitem__, default=None)
        if best is None or found[best] < REMARKABLE:
            return None
        return best.removesuffix("_embedding").replace("_", " ")

    def _compare(self, name: str, item: int, other: int) -> float:
        """How many standard deviations nearer than others."""
        vectors = self._vectors[name]
        if not (vectors[item].any() and vectors[other].any()):
            return -np.inf
        one, another = normalize(vectors[[item, other]])
        usual = self._others[name] @ another
        spread = float(usual.std())
        return float(one @ another - usual.mean()) / spread if spread > _LEAST else -np.inf


def _spread(vectors: np.ndarray) -> np.ndarray:
    """Some items that have content, evenly over the catalogue, of length 1."""
    rows = np.flatnonzero(vectors.any(axis=1))
    places = np.linspace(0, len(rows) - 1, min(_OTHERS, len(rows))).astype(int)
    return normalize(vectors[rows[places]])
