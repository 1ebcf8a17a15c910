"""Baselines every model must beat: popularity and item-to-item nearest neighbours.

They take the same two sparse matrices and return the same dense scores, so one protocol measures them all.
"""

from typing import Protocol, Self

import numpy as np
from scipy.sparse import csr_array, vstack

from training_pipeline.evaluation.ranks import SparseRows, top_k

_SCORES_AT_ONCE = 4_000_000  # bounds the working memory: this many similarities are dense at a time


class Baseline(Protocol):
    """A recommender without features."""

    def fit(self, interactions: SparseRows) -> Self:
        """Learn from `[num_users, num_items] float`, how often each user interacted with each item."""

    def score(self, histories: SparseRows) -> np.ndarray:
        """Score all items for each history.

        Args:
            histories: `[num_queries, num_items] float`, the past of each query, whose user may be new.

        Returns:
            `[num_queries, num_items] float32`; higher is better. Seen items are scored like any others.

        Raises:
            ValueError: The number of items is not the one of `fit`.
        """


class Popularity:
    """Scores an item by its number of interactions, whoever asks."""

    def __init__(self) -> None:
        self.popularity = np.zeros(0, np.float32)

    def fit(self, interactions: SparseRows) -> Self:
        """Count the interactions of each item; see `Baseline.fit`."""
        self.popularity = np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel()
        return self

    def score(self, histories: SparseRows) -> np.ndarray:
        """Repeat the counts for each history; see `Baseline.score`."""
        _check_num_items(histories, self.popularity.size)
        return np.tile(self.popularity, (histories.shape[0], 1))


class ItemKNN:
    """Scores an item by its similarity to the items of the history (Sarwar et al., 2001).

    Similarity is the cosine of two items' binary columns of users. Each item keeps its nearest `neighbours`,
    itself among them.
    """

    def __init__(self, neighbours: int = 200) -> None:
        self.neighbours = neighbours
        self.similarity = csr_array((0, 0), dtype=np.float32)

    def fit(self, interactions: SparseRows) -> Self:
        """Find the nearest neighbours of each item; see `Baseline.fit`."""
        columns = _normalise_columns(_binarise(interactions))
        num_items = columns.shape[1]
        by_item = columns.T.tocsr()
        step = max(1, _SCORES_AT_ONCE // num_items)
        blocks = [by_item[start : start + step] @ columns for start in range(0, num_items, step)]
        self.similarity = csr_array(vstack([_keep_largest(block, self.neighbours) for block in blocks]))
        return self

    def score(self, histories: SparseRows) -> np.ndarray:
        """Sum the similarities to the items of each history; see `Baseline.score`."""
        _check_num_items(histories, self.similarity.shape[0])
        return (_binarise(histories) @ self.similarity).toarray()


def _binarise(matrix: SparseRows) -> csr_array:
    rows, columns = matrix.nonzero()
    pairs = csr_array((np.ones(rows.size, np.float32), (rows, columns)), shape=matrix.shape)
    pairs.data[:] = 1  # building has summed repeated entries
    return pairs


def _normalise_columns(matrix: csr_array) -> csr_array:
    """Scale each column of a 0/1 matrix to length 1; an empty column stays empty."""
    lengths = np.sqrt(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    scaled = matrix.copy()
    scaled.data /= lengths[matrix.indices]
    return scaled


def _keep_largest(similarity: csr_array, k: int) -> csr_array:
    """Keep the `k` largest entries of each row, ties by the lower column; zeros are not kept."""
    nothing_excluded = csr_array(similarity.shape, dtype=bool)
    columns, values = top_k(similarity.toarray(), nothing_excluded, k)
    kept = values > 0
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return csr_array((values[kept], columns[kept], indptr), shape=similarity.shape)


def _check_num_items(histories: SparseRows, num_items: int) -> None:
    if histories.shape[1] != num_items:
        raise ValueError(
            f"histories: expected {num_items} item columns as in fit, got {histories.shape[1]}; fit the "
            "baseline and build the histories on the same item index"
        )
