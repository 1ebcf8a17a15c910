"""How close an item's content is to that of the user's recent items.

Each cosine is the product of its own two rows and of nothing else: the last bits of a matrix product
depend on threads and on the shape of the batch, and one query alone must give the same.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from feature_pipeline.compiled import compiled_in_any_order
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import ArrayFeature
from feature_pipeline.schema import FeatureSpec

# What is shorter is rounding, as where opposite vectors cancel out, and has no direction.
_SHORTEST = 1e-6


class PairSimilarity(ArrayFeature):
    """Cosines to the recent history, for each embedding column of the items.

    `pair_<content>_to_mean` and `pair_<content>_to_nearest`, float32 in [-1, 1]; 0 where the history or the
    candidate has no content.

    Attributes:
        last: how many recent items to compare with.
    """

    last: int = Field(default=10, ge=1)

    def get_recent(self) -> int:
        return self.last

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [spec for embedding in columns.embeddings for spec in build_specs(embedding)]

    def compute(
        self, vectors: Mapping[str, np.ndarray], history: np.ndarray, candidates: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        columns: dict[str, np.ndarray] = {}
        for embedding, units in vectors.items():
            cosines = compute_cosines(units, history[:, max(history.shape[1] - self.last, 0) :], candidates)
            names = [spec.name for spec in build_specs(embedding)]
            columns |= dict(zip(names, cosines, strict=True))
        return columns


def build_specs(embedding: str) -> list[FeatureSpec]:
    """Specs of the two columns for one item embedding, as `description_embedding`."""
    content = embedding.removesuffix("_embedding")
    words = content.replace("_", " ")
    return [
        FeatureSpec(f"pair_{content}_to_mean", "pair", "numeric", f"{words} in the vein of your recent ones"),
        FeatureSpec(f"pair_{content}_to_nearest", "pair", "numeric", f"{words} much like a recent one"),
    ]


def normalize(vectors: np.ndarray) -> np.ndarray:
    """Scales each vector to length 1: [..., dim] float32; one without length becomes zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(norms > _SHORTEST, norms, np.inf)).astype(np.float32)


def compute_cosines(
    units: np.ndarray, history: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the cosine of each candidate to the mean of the recent history and to its nearest item.

    Args:
        units: embeddings of all items, of length 1 [num_items, dim] float32; a zero row means that the
            content is missing.
        history: recent items of each query [num_queries, length] int, -1 where there is none.
        candidates: items to compare [num_queries, num_candidates] int, -1 where there is none.

    Returns:
        To the mean, and to the nearest: two [num_queries, num_candidates] float32 in [-1, 1]; 0 where the
        history or the candidate has no content.
    """
    to_mean, to_nearest = (np.zeros(candidates.shape, np.float32) for _ in range(2))
    _compute(units, history, candidates, to_mean, to_nearest)
    return to_mean, to_nearest


@compiled_in_any_order
def _multiply(one: np.ndarray, other: np.ndarray) -> np.float32:
    product = np.float32(0)
    for axis in range(len(one)):
        product += one[axis] * other[axis]
    return product


@compiled_in_any_order
def _compute(
    units: np.ndarray,
    history: np.ndarray,
    candidates: np.ndarray,
    to_mean: np.ndarray,
    to_nearest: np.ndarray,
) -> None:
    """Writes the cosines where there are any."""
    kept = np.empty((history.shape[1], units.shape[1]), np.float32)
    for query, past in enumerate(history):
        count = 0
        mean = np.zeros(units.shape[1], np.float32)
        for item in past:
            if item >= 0 and units[item].any():
                kept[count] = units[item]
                mean += kept[count]
                count += 1
        if count == 0:
            continue
        mean /= np.float32(count)
        norm = np.sqrt(_multiply(mean, mean))
        mean /= norm if norm > _SHORTEST else np.float32(np.inf)
        for place, item in enumerate(candidates[query]):
            if item < 0:
                continue
            to_mean[query, place] = _multiply(units[item], mean)
            nearest = np.float32(-np.inf)
            for number in range(count):
                nearest = max(nearest, _multiply(units[item], kept[number]))
            to_nearest[query, place] = nearest
