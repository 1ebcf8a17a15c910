"""The index: all items' embeddings, searched exactly."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from training_pipeline.ranking.candidates import Candidates, retrieve_candidates


@dataclass(frozen=True)
class ExactIndex:
    """Finds the items with the highest inner product by looking at every one.

    Attributes:
        item_embeddings: [num_items, embedding_dim] float32.
    """

    item_embeddings: np.ndarray

    def search(
        self, queries: np.ndarray, k: int, excluded: csr_array, allowed: np.ndarray | None = None
    ) -> Candidates:
        """The `k` best items of each query.

        Args:
            queries: [num_queries, embedding_dim] float32.
            k: how many; rows end in -1 where fewer remain.
            excluded: items to leave out, query by query [num_queries, num_items] bool.
            allowed: the items that may be found at all [num_items] bool.
        """
        if allowed is None:
            return retrieve_candidates(queries, self.item_embeddings, excluded, k)
        kept = np.flatnonzero(allowed).astype(np.int32)
        if not len(kept):
            shape = (len(queries), k)
            return Candidates(np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32))
        found = retrieve_candidates(queries, self.item_embeddings[kept], excluded[:, kept], k)
        return Candidates(np.where(found.items < 0, -1, kept[found.items]), found.scores)
