"""Candidates: the items the retriever returns for a query, best first."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from training_pipeline.evaluation.ranks import top_k


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
    query_embeddings: np.ndarray, item_embeddings: np.ndarray, seen: csr_array, k: int, block: int = 512
) -> Candidates:
    """Finds the `k` items with the highest inner product, exactly, seen items excluded.

    Args:
        query_embeddings: [num_queries, embedding_dim] float32.
        item_embeddings: [num_items, embedding_dim] float32.
        seen: items to exclude [num_queries, num_items] bool.
        k: how many.
        block: queries scored at once.
    """
    found = []
    for start in range(0, len(query_embeddings), block):
        queries = slice(start, start + block)
        found.append(top_k(query_embeddings[queries] @ item_embeddings.T, seen[queries], k))
    items, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Candidates(items, scores)
