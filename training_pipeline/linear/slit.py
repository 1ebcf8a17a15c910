"""What comes next, as a linear model of the last items."""

from typing import Self

import numpy as np
from scipy.linalg import solve
from scipy.sparse import csr_array

from training_pipeline.evaluation.baselines.baseline import count_pairs

_EVENTS_AT_ONCE = 200_000  # bounds the working memory


class SLIT:
    """Scores an item by a regression on the last items and how far back each lies (Choi et al., 2021).

    Of all weights B it takes those that minimise `|Y - X B|^2 + ridge |B|^2`, where a row of Y is an event's
    item and the row of X what its user had met before: `exp(-k / decay)` for the k-th last item, from 0, of
    at most `length`. In closed form, `B = inv(X'X + ridge I) X'Y`.
    """

    def __init__(self, length: int = 20, decay: float = 5.0, ridge: float = 10.0) -> None:
        self.length = length
        self.decay = decay
        self.ridge = ridge
        self.weights = np.zeros((0, 0), np.float32)

    def fit(self, user: np.ndarray, item: np.ndarray, num_items: int) -> Self:
        """Solve for the weights.

        Args:
            user: of each event `[num_events] int`; those of one user stand in order of time.
            item: of each event `[num_events] int`.
            num_items: size of the corpus.
        """
        by_user = np.argsort(user, kind="stable")
        user, item = user[by_user], item[by_user]
        place = np.arange(len(user)) - np.searchsorted(user, user)
        gram, cross = (np.zeros((num_items, num_items)) for _ in range(2))
        for start in range(0, len(item), _EVENTS_AT_ONCE):
            events = np.arange(start, min(start + _EVENTS_AT_ONCE, len(item)))
            past = self._build_past(events, item, place, num_items)
            chosen = count_pairs(np.arange(len(events)), item[events], past.shape)
            gram += (past.T @ past).toarray()
            cross += (past.T @ chosen).toarray()
        gram[np.diag_indices_from(gram)] += self.ridge
        weights = solve(gram, cross, assume_a="pos", overwrite_a=True, overwrite_b=True, check_finite=False)
        self.weights = weights.astype(np.float32, order="C")
        return self

    def weigh(self, length: int) -> np.ndarray:
        """What each place of a history counts, the oldest first: `[length] float32`."""
        back = np.arange(length)[::-1]
        weights: np.ndarray = np.where(back < self.length, np.exp(-back / self.decay), 0).astype(np.float32)
        return weights

    def score(self, histories: np.ndarray) -> np.ndarray:
        """Score all items for each history: `[num_queries, num_items] float32`.

        Args:
            histories: item positions `[num_queries, length] int`, oldest first, -1 pads at the left.
        """
        query, place = np.nonzero(histories >= 0)
        values, shape = self.weigh(histories.shape[1])[place], (len(histories), len(self.weights))
        past = csr_array((values, (query, histories[query, place])), shape=shape)
        scores: np.ndarray = past @ self.weights
        return scores

    def _build_past(
        self, events: np.ndarray, item: np.ndarray, place: np.ndarray, num_items: int
    ) -> csr_array:
        """Lay out what the users of some events had met before: `[len(events), num_items] float32`."""
        rows, columns, values = [], [], []
        for back in range(1, self.length + 1):
            has = np.flatnonzero(place[events] >= back)
            rows.append(has)
            columns.append(item[events[has] - back])
            values.append(np.full(len(has), np.exp((1 - back) / self.decay), np.float32))
        places = np.concatenate(rows), np.concatenate(columns)
        past = csr_array((np.concatenate(values), places), shape=(len(events), num_items))
        past.sum_duplicates()
        return past
