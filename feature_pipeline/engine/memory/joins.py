"""Which rows of two tables belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feature_pipeline.compiled import compiled
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
    if np.array_equal(one, other) and (other[1:] > other[:-1]).all():
        return Match(Selection(len(one)), Selection(len(one)))
    order = None if (other[1:] >= other[:-1]).all() else np.argsort(other, kind="stable")
    left, right, is_each_once = _pair(one, other if order is None else other[order], keeps_left)
    found = right >= 0
    if order is not None and len(order):
        right = order[right]
    return Match(
        Selection(len(left), None if is_each_once else left),
        Selection(len(left), right, None if found.all() else found),
    )


@compiled
def _pair(one: np.ndarray, other: np.ndarray, keeps_left: bool) -> tuple[np.ndarray, np.ndarray, bool]:
    """Rows that are equal, -1 for what has no match and stays, and whether each left row is there once.

    Args:
        one: numbers of the left rows' keys [num_left] int64.
        other: of the right rows' keys, ascending [num_right] int64.
        keeps_left: whether a left row without a match stays.
    """
    starts, stops = np.empty_like(one), np.empty_like(one)
    num_pairs, is_each_once = 0, True
    for row, number in enumerate(one):
        # What was joined before lies side by side.
        if row and number == one[row - 1]:
            start, stop = starts[row - 1], stops[row - 1]
        else:
            start = stop = np.searchsorted(other, number)
            while stop < len(other) and other[stop] == number:
                stop += 1
        if keeps_left and start == stop:
            start, stop = -1, 0
        starts[row], stops[row] = start, stop
        num_pairs += stop - start
        is_each_once &= stop - start == 1
    left, right = np.empty(num_pairs, np.int64), np.empty(num_pairs, np.int64)
    pair = 0
    for row in range(len(one)):
        for match in range(starts[row], stops[row]):
            left[pair], right[pair] = row, match
            pair += 1
    return left, right, is_each_once


def _number(left: Sequence[Column], right: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    """One whole number for each key of both tables, what is unknown or on one side alone equals nothing."""
    if len(left) == 1 and left[0].known is None and right[0].known is None:
        return left[0].values, right[0].values
    space = fit_keys(right)
    other = space.number(right)
    return space.number(left), np.where(other == NO_KEY, NO_KEY - 1, other)
