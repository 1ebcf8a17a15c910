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

    def search(self, query_embeddings: np.ndarray, seen: csr_array, k: int) -> Candidates:
        """The `k` best items of each query.

        Args:
            query_embeddings: [num_queries, embedding_dim] float32.
            seen: items to leave out [num_queries, num_items] bool.
            k: how many; rows end in -1 where fewer remain.
        """
        return retrieve_candidates(query_embeddings, self.item_embeddings, seen, k)
