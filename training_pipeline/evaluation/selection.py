"""The highest of many scores, found without sorting or copying them.

Every list of items is cut by this one rule: best first, ties by the lower index, minus infinity never.
"""

from collections.abc import Sequence

import numpy as np

# One query's items [num_found] int and their scores [num_found] float, best first.
Found = tuple[np.ndarray, np.ndarray]

# Groups for each place of a list: more of them let fewer scores pass, and take longer to look through.
_GROUPS_A_PLACE = 8


def find_top(scores: np.ndarray, k: int, margin: float = 0.0) -> np.ndarray:
    """Finds all scores that can be among the `k` highest: these `k`, what ties with them, and a few more.

    The `k`-th highest maximum of disjoint groups is no higher than the `k`-th highest score, and a group is
    looked through faster than it is sorted into.

    Args:
        scores: `[num_scores] float`, without NaN.
        k: How many are wanted, at least 1.
        margin: Scores that much below the `k`-th highest are found as well.

    Returns:
        Places of the scores `[num_found] int64`, ascending; none of a score of minus infinity.
    """
    lowest = float(np.finfo(scores.dtype).min)
    places: np.ndarray = np.flatnonzero(scores >= max(lowest, _bound_from_below(scores, k) - margin))
    return places


def order_best(scores: np.ndarray, k: int) -> np.ndarray:
    """The places of the `k` highest of a few scores `[min(k, num_scores)] int64`, highest first.

    Ties keep their order.
    """
    best = np.argsort(-scores)
    ordered = scores[best]
    # An order that keeps ties takes four times as long, and there are few.
    if (ordered[1:] == ordered[:-1]).any():
        best = np.argsort(-scores, kind="stable")
    return best[:k]


def stack_found(found: Sequence[Found], k: int) -> Found:
    """Lists of one length from what was found query by query.

    Returns:
        Items `[num_queries, k] int32` and scores `[num_queries, k] float32`; where fewer than `k` were found,
        -1 and minus infinity pad.
    """
    items = np.full((len(found), k), -1, np.int32)
    scores = np.full((len(found), k), -np.inf, np.float32)
    for query, (own_items, own_scores) in enumerate(found):
        items[query, : len(own_items)] = own_items
        scores[query, : len(own_scores)] = own_scores
    return items, scores


def _bound_from_below(scores: np.ndarray, k: int) -> float:
    """A number that at least `k` of the scores reach."""
    if k >= len(scores):
        return -np.inf
    size = max(1, len(scores) // (_GROUPS_A_PLACE * k))
    num_groups = len(scores) // size
    # A group is a column: neighbours, which may be alike, fall into different ones, and a row is one block.
    highest = scores[: size * num_groups].reshape(size, num_groups).max(axis=0)
    return float(np.partition(highest, -k)[-k])
