"""A draw of users whose events are few enough to audit in seconds, however large the data set.

What leaks among all events leaks among those of some users; and as a query's features read the events of its
own user alone, the stored values stay comparable.
"""

import numpy as np
import pandas as pd

_MOST_EVENTS = 100_000


def draw_users(user_ids: pd.Series, seed: int, most_events: int = _MOST_EVENTS) -> np.ndarray:
    """Says which events are those of the drawn users [num_events] bool.

    Args:
        user_ids: of each event.
        seed: of the draw.
        most_events: how many events the users have together at most; the first one drawn may have more.
    """
    user = pd.factorize(user_ids)[0]
    counts = np.bincount(user)
    order = np.random.default_rng(seed).permutation(len(counts))
    fits = np.cumsum(counts[order]) <= most_events
    fits[0] = True
    is_drawn = np.zeros(len(counts), bool)
    is_drawn[order[fits]] = True
    return np.asarray(is_drawn[user])
