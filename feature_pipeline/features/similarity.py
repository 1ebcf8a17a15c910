"""How alike an item and a user's recent history are in content: cosine of their embeddings.

Plain array arithmetic, not SQL: two matrix products do for a batch what an engine would do value by value.
"""

import numpy as np

from feature_pipeline.schema import FeatureSpec


def build_specs(embedding: str) -> tuple[FeatureSpec, FeatureSpec]:
    """Specs of the two columns of `compute` for one item embedding, as `description_embedding`."""
    content = embedding.removesuffix("_embedding")
    return (
        FeatureSpec(f"pair_{content}_to_mean", "pair", "numeric", f"{content} in the vein of your recent ones"),
        FeatureSpec(f"pair_{content}_to_nearest", "pair", "numeric", f"{content} much like one of your recent ones"),
    )


def compute(vectors: np.ndarray, history: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the cosine of each candidate to the mean of the recent history and to its nearest item.

    Args:
        vectors: embeddings of all items [num_items, dim] float32; a zero row means the content is missing.
        history: recent items of each query [num_queries, length] int, -1 where there is none.
        candidates: items to compare [num_queries, num_candidates] int, -1 where there is none.

    Returns:
        To the mean, and to the nearest: two [num_queries, num_candidates] float32 in [-1, 1]; 0 where the
        history or the candidate has no content.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    padded = np.vstack([vectors / np.where(norms > 0, norms, 1), np.zeros((1, vectors.shape[1]), np.float32)])
    to_mean = np.empty(candidates.shape, np.float32)
    to_nearest = np.empty(candidates.shape, np.float32)
    for query, (past, offered) in enumerate(zip(history, candidates, strict=True)):
        kept = past[past >= 0]
        kept = kept[np.any(padded[kept], axis=1)]
        cosines = padded[offered] @ padded[kept].T
        mean_norm = np.linalg.norm(padded[kept].sum(axis=0))
        to_mean[query] = cosines.sum(axis=1) / mean_norm if mean_norm > 0 else 0.0
        to_nearest[query] = cosines.max(axis=1) if len(kept) else 0.0
    return to_mean, to_nearest
