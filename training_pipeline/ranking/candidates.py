"""Candidates: the items the retriever returns for a query, best first."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from training_pipeline.ranking.exact_search import ExactSearch


@dataclass(frozen=True)
class Candidates:
    """Retrieved items of each query.

    Attributes:
        items: item positions [num_queries, num_candidates] int32, best first, -1 where there are fewer.
        scores: `retrieval_score` [num_queries, num_candidates] float32, higher is better.
    """

    items: np.ndarray
    scores: np.ndarray


def retrieve_candidates(
    query_embeddings: np.ndarray, item_embeddings: np.ndarray, seen: csr_array, k: int
) -> Candidates:
    """Finds the `k` items with the highest inner product, exactly, seen items excluded.

    Args:
        query_embeddings: [num_queries, embedding_dim] float32.
        item_embeddings: [num_items, embedding_dim] float32.
        seen: items to exclude [num_queries, num_items] bool.
        k: how many.
    """
    return Candidates(*ExactSearch(item_embeddings).find(query_embeddings, k, seen))
