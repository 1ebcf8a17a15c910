"""Which of two items comes first, where both stand near each other."""

import numpy as np

from training_pipeline.evaluation.baselines.baseline import count_pairs


def fit_precedence(user: np.ndarray, item: np.ndarray, num_items: int, reach: int = 20) -> np.ndarray:
    """How often the second of two items came after the first rather than before it.

    What users take in one go often comes in an order of its own, parts of a series above all; what should
    have come before the last item will hardly come after it. Pairs that stand within `reach` events of each
    other count, and a pair seldom seen is drawn towards a half (Laplace's rule of succession).

    Args:
        user: of each event `[num_events] int`; those of one user stand in order of time.
        item: of each event `[num_events] int`.
        num_items: size of the corpus.
        reach: events apart at most.

    Returns:
        Shares in (0, 1), from the first item to the second `[num_items, num_items] float32`; where
        `[i, j]` is p, `[j, i]` is 1 - p.
    """
    by_user = np.argsort(user, kind="stable")
    user, item = user[by_user], item[by_user]
    after = np.zeros((num_items, num_items), np.float32)
    for apart in range(1, reach + 1):
        same = np.flatnonzero(user[apart:] == user[:-apart])
        after += count_pairs(item[same], item[same + apart], (num_items, num_items)).toarray()
    shares: np.ndarray = (after + 1) / (after + after.T + 2)
    return shares
