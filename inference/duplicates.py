"""Which items are all but the same by their content: the same picture twice, a text with another comma."""

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from feature_pipeline.encoders import unit_rows

LEAST_COSINE = 0.99
# Every pair of so many items is compared in seconds; the time grows with the square.
MOST_COMPARED = 20_000

_BLOCK = 512
# Unit vectors that agree to three decimals in every place have a cosine of nearly one.
_DECIMALS = 1000


def find_duplicate_groups(vectors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Groups near-duplicates.

    Two items are near-duplicates if both have content in some space, and their cosine is at least
    `LEAST_COSINE` in every such space; near-duplicates of one item are in one group. In catalogues of more
    than `MOST_COMPARED` items only those are in one group whose rounded vectors are the same in all spaces.

    Args:
        vectors: by content space, [num_items, dim] float32 each; zeros where an item has no content.

    Returns:
        Number of the group of each item [num_items] int64.

    Raises:
        ValueError: there is no space.
    """
    if not vectors:
        raise ValueError("vectors: expected at least one content space, got none")
    groups = _group_same(list(vectors.values()))
    if len(groups) > MOST_COMPARED:
        return groups
    # One item speaks for all that are the same, as many may be: a blank picture wherever one is missing.
    first = np.unique(groups, return_index=True)[1]
    merged: np.ndarray = _group_close([unit_rows(space[first]) for space in vectors.values()])[groups]
    return merged


def _group_same(spaces: list[np.ndarray]) -> np.ndarray:
    """Groups by rounded vectors; an item without any content is a group of its own."""
    num_items = len(spaces[0])
    keys: list[bytes] = []
    for start in range(0, num_items, _BLOCK):
        rows = slice(start, start + _BLOCK)
        rounded = [np.rint(unit_rows(space[rows]) * _DECIMALS).astype(np.int16) for space in spaces]
        joined = np.concatenate(rounded, axis=1)
        keys += [
            blake2b(row, digest_size=16).digest() if row.any() else b"%d" % place
            for place, row in enumerate(joined, start)
        ]
    return pd.factorize(np.array(keys, dtype=object))[0].astype(np.int64)


def _group_close(spaces: list[np.ndarray]) -> np.ndarray:
    """Groups unit vectors by comparing all pairs that share a space, block by block."""
    known = np.stack([space.any(axis=1) for space in spaces])
    groups = np.arange(len(spaces[0]))
    for number, space in enumerate(spaces):
        # Pairs of two items that the first space knows are found there, or told apart.
        is_asked = known[0] if number == 0 else known[number] & ~known[0]
        order = np.concatenate([np.flatnonzero(is_asked), np.flatnonzero(known[number] & ~is_asked)])
        for start in range(0, np.count_nonzero(is_asked), _BLOCK):
            rows, columns = order[start : start + _BLOCK], order[start:]
            is_near = (space[rows] @ space[columns].T >= LEAST_COSINE).any(axis=0)
            groups = _join(groups, *_find_close(spaces, known, rows, columns[is_near]))
    return groups


def _find_close(
    spaces: list[np.ndarray], known: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs, of `rows` and of `columns`, that some space knows and that are close in every one that does."""
    alike = known[:, rows].T.astype(np.float32) @ known[:, columns] > 0
    for space, is_known in zip(spaces, known, strict=True):
        is_apart = space[rows] @ space[columns].T < LEAST_COSINE
        alike &= ~(is_apart & is_known[rows, None] & is_known[columns])
    row, column = alike.nonzero()
    return rows[row], columns[column]


def _join(groups: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Groups in which each pair of items is together."""
    is_open = groups[left] != groups[right]
    links = groups[left[is_open]], groups[right[is_open]]
    size = int(groups.max()) + 1
    graph = csr_array((np.ones(len(links[0]), bool), links), shape=(size, size))
    joined: np.ndarray = connected_components(graph, directed=False)[1][groups].astype(np.int64)
    return joined
