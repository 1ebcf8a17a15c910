"""What a baseline is: two sparse matrices in, dense scores out, so that one protocol measures them all."""

from collections.abc import Iterator
from typing import Protocol, Self

import numpy as np
from scipy.sparse import csr_array

from training_pipeline.evaluation.ranks import SparseRows

_PAIRS_AT_ONCE = 4_000_000  # bounds the working memory: so many pairs of items are compared at a time


class Baseline(Protocol):
    """A recommender that reads how often whom met what, in no order."""

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


def count_pairs(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """Count how often each pair stands: `shape` float32, canonical.

    Args:
        rows: `[num_pairs] int`.
        columns: `[num_pairs] int`.
        shape: Of the result.
    """
    counts = csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    return counts


def binarise(matrix: SparseRows) -> csr_array:
    """Return 1 wherever the matrix is not 0, float32, in the same shape."""
    rows, columns = matrix.nonzero()
    pairs = count_pairs(rows, columns, (matrix.shape[0], matrix.shape[1]))
    pairs.data[:] = 1  # building has summed repeated entries
    return pairs


def compute_gram(matrix: csr_array) -> Iterator[csr_array]:
    """Multiply each column with each: `X'X` as blocks of rows `[some items, num_items]`, from the top."""
    by_item, num_items = matrix.T.tocsr(), matrix.shape[1]
    step = max(1, _PAIRS_AT_ONCE // num_items)
    return (by_item[start : start + step] @ matrix for start in range(0, num_items, step))


def check_num_items(histories: SparseRows, num_items: int) -> None:
    """Check that the histories stand on the item index of `fit`.

    Raises:
        ValueError: They have another number of columns.
    """
    if histories.shape[1] != num_items:
        raise ValueError(
            f"histories: expected {num_items} item columns as in fit, got {histories.shape[1]}; fit the "
            "baseline and build the histories on the same item index"
        )
