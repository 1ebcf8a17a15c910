"""Which rows of two tables belong together."""

from collections.abc import Sequence

import numpy as np

from feature_pipeline.engine.memory.column import Column


def match(left: Sequence[Column], right: Sequence[Column], keeps_left: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows that share a key.

    Args:
        left: the key's parts [num_left] each; an unknown key matches nothing.
        right: the same of the other table [num_right] each.
        keeps_left: whether a left row without a match stays, with -1 for the right one.

    Returns:
        Rows of both tables [num_pairs] int64 each, in the order of the left one.
    """
    one, other = _number_keys(left, right)
    order = np.argsort(other, kind="stable")
    ordered = other[order]
    starts, stops = np.searchsorted(ordered, one), np.searchsorted(ordered, one, side="right")
    counts = np.where(one >= 0, stops - starts, 0)
    kept = np.maximum(counts, 1) if keeps_left else counts
    rows = np.repeat(np.arange(len(one)), kept)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(kept) - kept, kept) + starts[rows]
    return rows, np.where(counts[rows] > 0, np.append(order, -1)[np.minimum(place, len(order))], -1)


def _number_keys(left: Sequence[Column], right: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    """One whole number for each key of both tables; -1 where part of it is unknown on the left, -2 right."""
    if len(left) == 1 and left[0].known is None and right[0].known is None:
        one, other = left[0].values, right[0].values
        if min(one.min(initial=0), other.min(initial=0)) >= 0:
            return one, other
    parts = [
        np.unique(np.concatenate([a.values, b.values]), return_inverse=True)
        for a, b in zip(left, right, strict=True)
    ]
    joined = np.zeros(len(left[0].values) + len(right[0].values), np.int64)
    for values, number in parts:
        joined = joined * len(values) + number
    one, other = np.split(joined, [len(left[0].values)])
    return _forget(one, left, -1), _forget(other, right, -2)


def _forget(numbers: np.ndarray, key: Sequence[Column], nothing: int) -> np.ndarray:
    for part in key:
        if part.known is not None:
            numbers = np.where(part.known, numbers, nothing)
    return numbers
