"""The same list for everyone: what was chosen most, ever or of late."""

from typing import Self

import numpy as np
import pandas as pd

from feature_pipeline.schema import EVENT_TIME
from training_pipeline.evaluation.baselines.baseline import check_num_items
from training_pipeline.evaluation.ranks import SparseRows


class Popularity:
    """Scores an item by its number of interactions, whoever asks."""

    def __init__(self) -> None:
        self.popularity = np.zeros(0, np.float32)

    def fit(self, interactions: SparseRows) -> Self:
        """Count the interactions of each item; see `Baseline.fit`."""
        self.popularity = np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel()
        return self

    def score(self, histories: SparseRows) -> np.ndarray:
        """Repeat the counts for each history; see `Baseline.score`."""
        check_num_items(histories, self.popularity.size)
        return np.tile(self.popularity, (histories.shape[0], 1))


def select_recent(events: pd.DataFrame, days: int = 28) -> pd.DataFrame:
    """Select the events of the last days, the moment of the last event included.

    Args:
        events: `event_time`, and any other columns.
        days: Length of the window `(last - days, last]`.
    """
    times = events[EVENT_TIME]
    recent: pd.DataFrame = events[times > times.max() - pd.Timedelta(days=days)]
    return recent
