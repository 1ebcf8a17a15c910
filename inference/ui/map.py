"""A map of the items: the plane in which their embeddings differ most, and where somebody stands on it."""

import numpy as np
from sklearn.decomposition import PCA

_SEED = 0


class ItemMap:
    """Principal components of the item embeddings.

    Args:
        embeddings: [num_items, embedding_dim] float32.

    Attributes:
        places: of the items [num_items, 2] float32.
        explained: how much of the variance the plane has, 0 to 1.
    """

    def __init__(self, embeddings: np.ndarray) -> None:
        self._plane = PCA(2, random_state=_SEED).fit(embeddings)
        self.places: np.ndarray = self._plane.transform(embeddings)
        self.explained = float(self._plane.explained_variance_ratio_.sum())

    def place(self, embedding: list[float]) -> tuple[float, float]:
        """Where a query's embedding lies among the items."""
        (found,) = self._plane.transform(np.array([embedding], np.float32))
        return float(found[0]), float(found[1])
