"""Exact ranks and top lists over the whole corpus, with seen items excluded.

A rank is 0-based and shared by ties: the number of items scored higher, plus half the number of *other* items
scored the same. Lists of item indices break ties by the lower index instead, because a list needs an order.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import csr_array, csr_matrix

from training_pipeline.evaluation.selection import Found, find_top, order_best, stack_found

SparseRows = csr_array | csr_matrix
ScoreBlock = Callable[[slice], np.ndarray]

_PAIRS_AT_ONCE = 512  # bounds the working memory: this many rows of scores are compared at a time


def compute_ranks(
    score_block: ScoreBlock, relevant: SparseRows, seen: SparseRows, block_size: int = 512
) -> np.ndarray:
    """Rank every relevant item of every query among all items the query has not seen.

    Relevant items of one query compete with each other like any other items.

    Args:
        score_block: Returns the scores `[block, num_items] float` of a slice of queries; higher is better.
            The array is copied, never changed.
        relevant: `[num_queries, num_items] bool`, in canonical format, at least one item a row.
        seen: `[num_queries, num_items]`, the items excluded from each query's ranking; no relevant item.
        block_size: Queries scored at a time.

    Returns:
        `[relevant.nnz] float64`, the 0-based average-tie ranks, aligned with `relevant.indices`.

    Raises:
        ValueError: The matrices break a rule above, or a block has the wrong shape or holds NaN.
    """
    _check_relevance(relevant, seen)
    ranks = np.empty(relevant.nnz)
    for queries in _slices(relevant.shape[0], block_size):
        scores = _copy_scores(score_block(queries), seen[queries].shape, queries.start)
        scores[seen[queries].nonzero()] = np.nan  # neither above nor equal to any score: out of the race
        pairs = slice(relevant.indptr[queries.start], relevant.indptr[queries.stop])
        ranks[pairs] = _rank_pairs(scores, _pair_queries(relevant[queries]), relevant.indices[pairs])
    return ranks


def compute_reranked_ranks(
    retrieval_ranks: np.ndarray, candidates: np.ndarray, ranking_scores: np.ndarray, relevant: SparseRows
) -> np.ndarray:
    """Rank every relevant item end to end: by ranking score if retrieved, else where retrieval left it.

    Args:
        retrieval_ranks: `[relevant.nnz] float64`, the result of `compute_ranks` for the retrieval scores.
        candidates: `[num_queries, num_candidates] int32`, retrieved item indices without repeats; -1 pads.
        ranking_scores: `[num_queries, num_candidates] float32`; higher is better; ignored where padded.
        relevant: `[num_queries, num_items] bool`, the matrix `retrieval_ranks` was computed for.

    Returns:
        `[relevant.nnz] float64`: for a candidate its average-tie rank among the query's candidates; for any
        other item its retrieval rank, but no better than the number of candidates: all are placed above it.

    Raises:
        ValueError: Shapes disagree, or a candidate has a NaN score.
    """
    _check_shape("retrieval_ranks", retrieval_ranks, (relevant.nnz,))
    _check_shape("candidates", candidates, (relevant.shape[0], candidates.shape[-1]))
    retrieved = candidates >= 0
    ranking_scores = _copy_scores(np.where(retrieved, ranking_scores, 0), candidates.shape)
    ranking_scores[~retrieved] = np.nan
    pair_queries = _pair_queries(relevant)
    ranks: np.ndarray = np.maximum(retrieval_ranks, retrieved.sum(axis=1)[pair_queries])
    for pairs in _slices(relevant.nnz, _PAIRS_AT_ONCE):
        is_pair = candidates[pair_queries[pairs]] == relevant.indices[pairs, None]
        found, columns = is_pair.nonzero()
        found += pairs.start
        ranks[found] = _rank_pairs(ranking_scores, pair_queries[found], columns)
    return ranks


def top_k(scores: np.ndarray, seen: SparseRows, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each query's `k` best items that it has not seen, exactly, best first.

    Args:
        scores: `[num_queries, num_items] float`; higher is better; minus infinity means never recommend.
        seen: `[num_queries, num_items]`, the items excluded from each query's list.
        k: Length of the lists.

    Returns:
        Item indices `[num_queries, k] int32` and their scores `[num_queries, k] float32`, in descending order
        of score, ties by the lower index. Where fewer than `k` items remain, -1 and minus infinity pad.

    Raises:
        ValueError: `k` is below 1, the shapes disagree, or a score is NaN.
    """
    if k < 1:
        raise ValueError(f"k: expected a list length of at least 1, got {k}")
    scores = _copy_scores(scores, seen.shape)
    scores[seen.nonzero()] = -np.inf
    return stack_found([_list_best(own, k) for own in scores], k)


def _list_best(scores: np.ndarray, k: int) -> Found:
    """The best items of one query, and their scores."""
    found = find_top(scores, k)
    best = found[order_best(scores[found], k)]
    return best, scores[best]


def _rank_pairs(scores: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the average-tie rank `[num_pairs] float64` of each `scores[row, column]` within its row."""
    ranks = np.empty(rows.size)
    for pairs in _slices(rows.size, _PAIRS_AT_ONCE):
        rivals, own = scores[rows[pairs]], scores[rows[pairs], columns[pairs], None]
        higher, equal = np.count_nonzero(rivals > own, axis=1), np.count_nonzero(rivals == own, axis=1)
        ranks[pairs] = higher + (equal - 1) / 2
    return ranks


def _pair_queries(relevant: SparseRows) -> np.ndarray:
    """Return the row `[relevant.nnz] int64` of every stored item."""
    return np.repeat(np.arange(relevant.shape[0]), np.diff(relevant.indptr))


def _slices(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def _copy_scores(scores: np.ndarray, shape: tuple[int, ...], first_query: int = 0) -> np.ndarray:
    """Return a checked copy in float32 or float64, whichever holds the scores exactly."""
    _check_shape("scores", scores, shape)
    copy = np.array(scores, dtype=np.result_type(scores, np.float32))
    not_numbers = np.isnan(copy).any(axis=1)
    if not_numbers.any():
        raise ValueError(
            f"scores: expected numbers, got NaN in {not_numbers.sum()} of {len(copy)} queries (first: query "
            f"{first_query + not_numbers.argmax()}); check whether the model's training diverged"
        )
    return copy


def _check_shape(name: str, array: np.ndarray, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(f"{name}: expected shape {list(expected)}, got {list(array.shape)}")


def _check_relevance(relevant: SparseRows, seen: SparseRows) -> None:
    if relevant.shape != seen.shape:
        raise ValueError(f"seen: expected the shape of relevant, {relevant.shape}, got {seen.shape}")
    if not relevant.has_canonical_format or not relevant.data.all():
        raise ValueError(
            "relevant: expected sorted column indices, no repeats and no stored zeros, got others; call its "
            "eliminate_zeros() and sum_duplicates() first"
        )
    empty = np.diff(relevant.indptr) == 0
    if empty.any():
        raise ValueError(
            f"relevant: expected at least one item a query, got none in {empty.sum()} of {empty.size} "
            f"queries (first: query {empty.argmax()}); drop those queries"
        )
    overlap = relevant.astype(bool).multiply(seen.astype(bool)).nnz
    if overlap:
        raise ValueError(
            f"seen: expected no relevant item, got {overlap}; drop repeats from relevant, or exclude nothing"
        )
