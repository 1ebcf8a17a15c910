"""Which rows of two tables belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.keys import NO_KEY, fit_keys
from feature_pipeline.engine.memory.selection import Selection


@dataclass(frozen=True)
class Match:
    """Pairs of rows that share a key, in the order of the left table.

    Attributes:
        left: the rows of the one table.
        right: those of the other; not there where a left row has no match and stays.
    """

    left: Selection
    right: Selection


def match_inner(*keys: Column) -> Match:
    """Pairs of rows that share a key.

    Args:
        keys: the key's parts in the left table [num_left] each, then in the right one [num_right] each; an
            unknown key matches nothing.
    """
    return _match(keys, keeps_left=False)


def match_left(*keys: Column) -> Match:
    """As `match_inner`, but a left row without a match stays."""
    return _match(keys, keeps_left=True)


def get_left(match: Match) -> Selection:
    """The rows of the left table."""
    return match.left


def get_right(match: Match) -> Selection:
    """The rows of the right table."""
    return match.right


def _match(keys: Sequence[Column], keeps_left: bool) -> Match:
    one, other = _number(keys[: len(keys) // 2], keys[len(keys) // 2 :])
    is_distinct = bool((other[1:] > other[:-1]).all())
    if is_distinct and np.array_equal(one, other):
        return Match(Selection(len(one)), Selection(len(one)))
    is_ascending = is_distinct or bool((other[1:] >= other[:-1]).all())
    order = None if is_ascending else np.argsort(other, kind="stable")
    ordered = other if order is None else other[order]
    starts = np.searchsorted(ordered, one)
    if is_distinct and len(other):
        counts = (ordered[np.minimum(starts, len(other) - 1)] == one).astype(np.int64)
    else:
        counts = np.searchsorted(ordered, one, side="right") - starts
    kept = np.maximum(counts, 1) if keeps_left else counts
    if (kept == 1).all():
        left, places = Selection(len(one)), starts
    else:
        rows = np.repeat(np.arange(len(one)), kept)
        left = Selection(len(rows), rows)
        places = np.arange(len(rows)) + (starts - np.cumsum(kept) + kept)[rows]
        counts = counts[rows]
    found = counts > 0
    places = np.where(found, places, 0)
    right = places if order is None or not len(order) else order[places]
    return Match(left, Selection(left.count, right, None if found.all() else found))


def _number(left: Sequence[Column], right: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    """One whole number for each key of both tables, what is unknown or on one side alone equals nothing."""
    if len(left) == 1 and left[0].known is None and right[0].known is None:
        return left[0].values, right[0].values
    space = fit_keys(right)
    other = space.number(right)
    return space.number(left), np.where(other == NO_KEY, NO_KEY - 1, other)
