"""Item-to-item nearest neighbours by who chose them."""

from typing import Self

import numpy as np
from scipy.sparse import csr_array, vstack

from training_pipeline.evaluation.baselines.baseline import binarise, check_num_items, compute_gram
from training_pipeline.evaluation.ranks import SparseRows, top_k


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
        columns = _normalise_columns(binarise(interactions))
        nearest = [_keep_largest(block, self.neighbours) for block in compute_gram(columns)]
        self.similarity = csr_array(vstack(nearest))
        return self

    def score(self, histories: SparseRows) -> np.ndarray:
        """Sum the similarities to the items of each history; see `Baseline.score`."""
        check_num_items(histories, self.similarity.shape[0])
        return (binarise(histories) @ self.similarity).toarray()


def _normalise_columns(matrix: csr_array) -> csr_array:
    """Scale each column of a 0/1 matrix to length 1; an empty column stays empty."""
    lengths = np.sqrt(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    scaled = matrix.copy()
    scaled.data /= lengths[matrix.indices]
    return scaled


def _keep_largest(similarity: csr_array, k: int) -> csr_array:
    """Keep the `k` largest entries of each row, ties by the lower column; similarities are never negative."""
    kept = similarity.tocoo()
    crowded = np.diff(similarity.indptr) > k
    few = ~crowded[kept.row]
    columns, values = top_k(
        similarity[crowded].toarray(), csr_array(similarity[crowded].shape, dtype=bool), k
    )
    rows = np.repeat(np.flatnonzero(crowded), k)
    data = np.concatenate([kept.data[few], values.ravel()])
    places = np.concatenate([kept.row[few], rows]), np.concatenate([kept.col[few], columns.ravel()])
    return csr_array((data, places), shape=similarity.shape)
