"""A linear model of all items at once, in closed form."""

from typing import Self

import numpy as np
from scipy.linalg import inv

from training_pipeline.evaluation.baselines.baseline import binarise, check_num_items, compute_gram
from training_pipeline.evaluation.ranks import SparseRows

MAX_ITEMS = 10_000  # inverting takes time by their cube: half a minute for so many, and 1.3 GB


class EASE:
    """Scores an item by a regression on which other items the history holds (Steck, 2019).

    Of all `[num_items, num_items]` weights B with a zero diagonal it takes those that minimise
    `|X - X B|^2 + ridge |B|^2` over the binary interactions X. With `P = inv(X'X + ridge I)` these are
    `B[i, j] = -P[i, j] / P[j, j]`. Meant for at most `MAX_ITEMS` items.
    """

    def __init__(self, ridge: float = 500.0) -> None:
        self.ridge = ridge
        self.weights = np.zeros((0, 0), np.float32)

    def fit(self, interactions: SparseRows) -> Self:
        """Solve for the weights; see `Baseline.fit`."""
        blocks = [block.toarray() for block in compute_gram(binarise(interactions))]
        gram = np.concatenate(blocks, dtype=np.float64)
        del blocks  # as large as half the gram matrix
        gram[np.diag_indices_from(gram)] += self.ridge
        # LAPACK inverts columns in place; a symmetric matrix is its own transpose.
        weights = inv(gram.T, overwrite_a=True, check_finite=False)
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        self.weights = weights.astype(np.float32, order="C")
        return self

    def score(self, histories: SparseRows) -> np.ndarray:
        """Sum the weights of the items of each history; see `Baseline.score`."""
        check_num_items(histories, len(self.weights))
        return binarise(histories) @ self.weights
