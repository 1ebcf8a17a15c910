"""Slow, obvious NumPy versions of what the pipelines compute, to hold the fast versions against."""

import numpy as np


def exact_ranks(scores: np.ndarray, relevant: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Rank relevant items one by one: 0-based, ties share their average, seen items do not take part.

    Args:
        scores: `[num_queries, num_items] float`.
        relevant: `[num_queries, num_items] bool`.
        seen: `[num_queries, num_items] bool`.

    Returns:
        `[num_relevant] float64`, query after query, in ascending order of item.
    """
    ranks = []
    for query, item in np.argwhere(relevant):
        rivals = [
            scores[query, other]
            for other in range(scores.shape[1])
            if not seen[query, other] and other != item
        ]
        higher = sum(rival > scores[query, item] for rival in rivals)
        equal = sum(rival == scores[query, item] for rival in rivals)
        ranks.append(higher + equal / 2)
    return np.array(ranks, dtype=np.float64)


def exact_top_k(scores: np.ndarray, seen: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort every row in full: best first, ties by the lower index, without seen items; pad with -1 and -inf.

    Args:
        scores: `[num_queries, num_items] float`.
        seen: `[num_queries, num_items] bool`.
        k: Length of the lists.

    Returns:
        Item indices `[num_queries, k] int32` and scores `[num_queries, k] float32`.
    """
    items = np.full((len(scores), k), -1, np.int32)
    values = np.full((len(scores), k), -np.inf, np.float32)
    for query in range(len(scores)):
        unseen = [item for item in range(scores.shape[1]) if not seen[query, item]]
        best = sorted(unseen, key=lambda item: (-scores[query, item], item))[:k]
        items[query, : len(best)] = best
        values[query, : len(best)] = scores[query, best]
    return items, values


def exact_metrics(ranks: list[list[float]], k: int) -> dict[str, np.ndarray]:
    """Compute the metrics at k of each query in plain loops.

    Args:
        ranks: For each query the 0-based ranks of its relevant items.
        k: The cutoff.

    Returns:
        Metric name to `[num_queries] float64`.
    """
    rows = [_metrics_of_query(sorted(query_ranks), k) for query_ranks in ranks]
    return {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}


def _metrics_of_query(ranks: list[float], k: int) -> dict[str, float]:
    hits = [rank for rank in ranks if rank < k][:k]
    possible = min(k, len(ranks))
    precision, recall = len(hits) / k, len(hits) / len(ranks)
    ideal = sum(1 / np.log2(place + 2) for place in range(possible))
    return {
        "MRR": 1 / (ranks[0] + 1),
        f"HR@{k}": float(len(hits) > 0),
        f"NDCG@{k}": sum(1 / np.log2(rank + 2) for rank in hits) / ideal,
        f"MAP@{k}": sum((place + 1) / (rank + 1) for place, rank in enumerate(hits)) / possible,
        f"precision@{k}": precision,
        f"recall@{k}": recall,
        f"F1@{k}": 2 * precision * recall / (precision + recall) if hits else 0.0,
    }


def exact_diversity(recommended: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """Average 1 - cosine over all pairs of each list, pair by pair, `[num_queries] float64`.

    Args:
        recommended: `[num_queries, k] int`; -1 pads.
        embeddings: `[num_items, embedding_dim] float`, no zero vectors.
    """
    return np.array([_mean_pair_distance(embeddings[row[row >= 0]]) for row in recommended])


def _mean_pair_distance(vectors: np.ndarray) -> float:
    distances = [
        1 - vectors[i] @ vectors[j] / (np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j]))
        for i in range(len(vectors))
        for j in range(i)
    ]
    return float(np.mean(distances)) if distances else 0.0
