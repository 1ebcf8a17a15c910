"""What resembles the user's recent items in one kind of content, such as a text or a picture."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_pipeline.features.pair_similarity import normalize
from training_pipeline.evaluation.ranks import ScoreBlock

_COSINES_AT_ONCE = 100_000_000  # bounds the working memory: so many float32 take 400 MB


@dataclass(frozen=True)
class _Cosines:
    """Cosines of some items to all.

    Attributes:
        items: Positions of these items `[num_some] int64`, ascending.
        values: `[num_some, num_items] float32`.
    """

    items: np.ndarray
    values: np.ndarray

    def find_nearest(self, histories: np.ndarray) -> np.ndarray:
        """Compare all items with the nearest of each history `[num_queries, num_items] float32`."""
        scores = np.zeros((len(histories), self.values.shape[1]), np.float32)
        for query, past in enumerate(histories):
            places = np.searchsorted(self.items, past[past >= 0])
            if len(places):
                self.values[places].max(axis=0, out=scores[query])
        return scores


def score_by_content(vectors: np.ndarray, histories: np.ndarray) -> ScoreBlock:
    """Score an item by the cosine of its content to that of the nearest item of the history.

    Args:
        vectors: Embeddings of all items `[num_items, dim] float32`; a zero row has no content.
        histories: Item positions `[num_queries, length] int`, -1 pads.

    Returns:
        Scores of a slice of the queries `[block, num_items] float32` in [-1, 1]; 0 where the item, or the
        whole history, has no content.
    """
    units = normalize(vectors)
    has_content = np.asarray(units.any(axis=1))
    histories = np.where(has_content[histories], histories, -1)
    if len(np.unique(histories)) * len(units) <= _COSINES_AT_ONCE:
        cosines = _compute_cosines(units, histories)
        return lambda block: cosines.find_nearest(histories[block])
    step = max(1, _COSINES_AT_ONCE // (histories.shape[1] * len(units)))

    def score(block: slice) -> np.ndarray:
        past = histories[block]
        parts = [past[start : start + step] for start in range(0, len(past), step)]
        return np.concatenate([_compute_cosines(units, part).find_nearest(part) for part in parts])

    return score


def join_contents(vectors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Join several kinds of content to one more, whose cosine is the mean of theirs.

    Args:
        vectors: Embeddings of all items by column `[num_items, dim] float32`.

    Returns:
        The same, and `all` where there are several.
    """
    if len(vectors) < 2:
        return dict(vectors)
    return {**vectors, "all": np.hstack([normalize(column) for column in vectors.values()])}


def _compute_cosines(units: np.ndarray, histories: np.ndarray) -> _Cosines:
    items = np.unique(histories[histories >= 0])
    return _Cosines(items, units[items] @ units.T)
