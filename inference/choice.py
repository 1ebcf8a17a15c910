"""Which of the ranked candidates are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from inference.caps import ItemGroups
from inference.rank import Scored, drop_repeated
from inference.variety import diversify


@dataclass(frozen=True)
class Wish:
    """What is wanted; see `Recommender.recommend`."""

    k: int
    as_of: datetime | None
    context: Mapping[str, str]
    filters: Mapping[str, Any]
    exclude: Sequence[str]
    diversity: float
    caps: Mapping[str, int]
    duplicates: bool
    explain: bool


def choose(scored: Scored, wish: Wish, groups: ItemGroups, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Places of the candidates to show [num_queries, k] int64, -1 where there are fewer.

    Args:
        scored: the candidates.
        wish: how many, and how they may go together.
        groups: which items belong together.
        vectors: content embeddings of the items [num_items, dim] float32 by space.
    """
    order = scored.order()
    items = np.take_along_axis(scored.candidates.items, order, axis=1)
    is_once = not wish.duplicates and groups.has_duplicates
    if not wish.diversity and not wish.caps:
        if is_once:
            order = drop_repeated(order, np.where(items >= 0, groups.duplicates[items], -1))
        return order[:, : wish.k]
    caps = groups.cap_columns(wish.caps)
    if is_once:
        caps.append(groups.cap_duplicates())
    chosen = np.full((len(order), wish.k), -1)
    for query, (own, scores) in enumerate(zip(items, scored.scores, strict=True)):
        best = diversify(own, scores[order[query]], wish.k, wish.diversity, vectors, caps)
        chosen[query, : len(best)] = order[query, best]
    return chosen
