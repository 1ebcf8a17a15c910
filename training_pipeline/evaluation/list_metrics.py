"""Measures of the lists themselves, whatever was chosen: coverage, concentration, novelty, diversity.

All read `recommended` `[num_queries, k] int`: item indices without repeats, best first; -1 pads.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def compute_coverage(recommended: np.ndarray, num_items: int) -> float:
    """Catalogue coverage: the share of all items that stand in at least one list (Ge et al., 2010).

    Args:
        recommended: See the module.
        num_items: Size of the corpus.
    """
    return np.count_nonzero(_count_places(recommended, num_items)) / num_items


def compute_novelty(recommended: np.ndarray, popularity: np.ndarray) -> Floats:
    """Mean self-information of each list in bits: the mean of -log2 p(item) (Zhou et al., 2010).

    p(item) = (popularity + 1) / (sum of popularity + num_items) is the chance that an interaction is with the
    item; the added one keeps items never interacted with finite.

    Args:
        recommended: See the module.
        popularity: `[num_items]`, the number of training interactions of each item.

    Returns:
        `[num_queries] float64`, higher is more novel; 0 for an empty list.
    """
    self_information: Floats = np.log2(popularity.sum() + popularity.size) - np.log2(popularity + 1)
    lists = _build_membership(recommended, popularity.size)
    total: Floats = lists @ self_information
    return total / np.maximum(_list_sizes(lists), 1)


def compute_diversity(recommended: np.ndarray, embeddings: np.ndarray) -> Floats:
    """Mean cosine distance, 1 - cosine, over all pairs of items in each list (Ziegler et al., 2005).

    Args:
        recommended: See the module.
        embeddings: `[num_items, embedding_dim] float`; of any length, and a zero vector is orthogonal to all.

    Returns:
        `[num_queries] float64` in [0, 2], higher is more diverse; 0 for a list of fewer than two items.
    """
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    directions = np.divide(embeddings, norms, out=np.zeros(embeddings.shape), where=norms > 0)
    lists = _build_membership(recommended, len(embeddings))
    # |sum of vectors|^2 = the sum of |vector|^2 + the cosines of all ordered pairs, so no pair is visited.
    pair_cosines = np.square(lists @ directions).sum(axis=1) - lists @ np.square(directions).sum(axis=1)
    sizes = _list_sizes(lists)
    return np.where(sizes > 1, 1 - pair_cosines / np.maximum(sizes * (sizes - 1), 1), 0.0)


def compute_gini(recommended: np.ndarray, num_items: int) -> float:
    """Gini coefficient of how often each item is recommended (Fleder and Hosanagar, 2009).

    0 where all items are recommended equally often, towards 1 where few take all places.

    Args:
        recommended: See the module.
        num_items: Size of the corpus.
    """
    counts = np.sort(_count_places(recommended, num_items)).astype(np.float64)
    total = counts.sum()
    if not total:
        return 0.0
    ranks = np.arange(1, num_items + 1)
    return float((2 * ranks - num_items - 1) @ counts / (num_items * total))


def compute_popularity(recommended: np.ndarray, popularity: np.ndarray) -> Floats:
    """Average popularity of each list, as the share of all items that are less popular, ties by half.

    The mean over lists is the average recommendation popularity (Abdollahpouri et al., 2019), by rank instead
    of by count, so that data sets of any size compare: .5 where lists are drawn at random.

    Args:
        recommended: See the module.
        popularity: `[num_items]`, the number of training interactions of each item.

    Returns:
        `[num_queries] float64` in [0, 1]; 0 for an empty list.
    """
    ordered = np.sort(popularity)
    below, upto = (np.searchsorted(ordered, popularity, side=side) for side in ("left", "right"))
    lists = _build_membership(recommended, popularity.size)
    total: Floats = lists @ ((below + upto) / 2 / popularity.size)
    return total / np.maximum(_list_sizes(lists), 1)


def compute_exposure(recommended: np.ndarray, in_group: np.ndarray) -> Floats:
    """Share of each list's exposure that a group of items gets (Singh and Joachims, 2018).

    A place at the 0-based rank r counts 1/log2(r+2): what stands first is seen most.

    Args:
        recommended: See the module.
        in_group: `[num_items] bool`.

    Returns:
        `[num_queries] float64` in [0, 1]; 0 for an empty list.
    """
    seen = np.where(recommended >= 0, 1 / np.log2(np.arange(recommended.shape[1]) + 2), 0.0)
    of_group = (seen * in_group[np.maximum(recommended, 0)]).sum(axis=1)
    exposure: Floats = of_group / np.maximum(seen.sum(axis=1), np.finfo(float).tiny)
    return exposure


def _count_places(recommended: np.ndarray, num_items: int) -> Indices:
    return np.bincount(recommended[recommended >= 0], minlength=num_items)


def _build_membership(recommended: np.ndarray, num_items: int) -> csr_array:
    """Return `[num_queries, num_items] float64`, 1 where an item stands in a query's list."""
    filled = recommended >= 0
    indptr = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    return csr_array((np.ones(indptr[-1]), recommended[filled], indptr), shape=(len(recommended), num_items))


def _list_sizes(lists: csr_array) -> Indices:
    return np.diff(lists.indptr)
