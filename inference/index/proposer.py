"""ScaNN, which proposes items without looking at most of them. The only import of scann."""

from typing import Any

import numpy as np

# What share of all variance the directions must hold.
_VARIANCE = 0.98
# How many items teach the centre of a leaf.
_SAMPLE_A_LEAF = 125
# Errors along an item count more than errors across it (Guo et al., 2020): so many times in the centres of
# leaves, which thereby stand for the longest of their items, and by this threshold in the codes.
_ALONG, _ANISOTROPIC_THRESHOLD = 10.0, 0.2


class Proposer:
    """ScaNN over the directions in which the items vary (Guo et al., 2020).

    Items are divided into leaves. In the leaves whose centres score highest, items are compared by a code of
    four bits for each direction, and the best of them by one of eight. A tower's embeddings vary in fewer
    directions than they have dimensions, so that codes are fine and short. Neither leaving out the rest nor
    moving all items by their mean or to a common scale changes much or anything in a query's order.

    Args:
        searcher: ScaNN's.
        directions: from embeddings to what it searches [dim, num_directions] float32.
    """

    def __init__(self, searcher: Any, directions: np.ndarray):
        self._searcher = searcher
        self._directions = directions

    @classmethod
    def build(cls, item_embeddings: np.ndarray, num_leaves: int) -> "Proposer":
        """Learns directions, leaves and codes.

        Args:
            item_embeddings: [num_items, dim] float32, 16 items at least.
            num_leaves: into how many leaves they are divided.

        Raises:
            ImportError: scann is not installed.
        """
        # An extra: nobody else must have it installed.
        from scann import scann_ops_pybind as scann

        mean = item_embeddings.mean(axis=0)
        covariance = item_embeddings.T @ item_embeddings / len(item_embeddings) - np.outer(mean, mean)
        variance, vectors = np.linalg.eigh(covariance)
        held = variance[::-1].cumsum()
        directions = vectors[:, ::-1][:, : np.searchsorted(held, _VARIANCE * held[-1]) + 1]
        items = item_embeddings @ directions - mean @ directions
        items /= np.sqrt(np.square(items).sum(axis=1).mean()) or 1
        builder = (
            scann.builder(items, 1, "dot_product")
            .tree(num_leaves, 1, _SAMPLE_A_LEAF * num_leaves, quantize_centroids=True, avq=_ALONG)
            .score_ah(1, _ANISOTROPIC_THRESHOLD)
            .reorder(1, scann.scann_builder.ReorderType.INT8)
        )
        return cls(builder.build(), np.ascontiguousarray(directions))

    def propose(self, query: np.ndarray, wanted: int, compared: int, leaves: int) -> np.ndarray:
        """Proposes items.

        Args:
            query: [dim] float32.
            wanted: how many are proposed, if the leaves hold them.
            compared: how many are compared by their longer codes.
            leaves: how many are looked into.

        Returns:
            Their places [at most wanted] uint32, ascending.
        """
        places, _ = self._searcher.search(query @ self._directions, wanted, compared, leaves)
        return np.sort(places)
