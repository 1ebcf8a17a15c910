"""Reranking for variety: not too many items of one group, and none that is much like those above it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from feature_pipeline.encoders import unit_rows
from feature_pipeline.errors import UserError
from inference.caps import Cap, Count


def diversify(
    items: np.ndarray,
    scores: np.ndarray,
    k: int,
    strength: float = 0.0,
    vectors: Mapping[str, np.ndarray] | None = None,
    caps: Sequence[Cap] = (),
) -> np.ndarray:
    """Chooses `k` candidates of one query: maximal marginal relevance under caps.

    Each time the candidate with the highest `(1 - strength) * relevance - strength * similarity` is chosen of
    those that no cap forbids (Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking", 1998).
    Relevance is the score, scaled to [0, 1] over the candidates. Similarity is the highest cosine to what was
    chosen before: the mean over the spaces in which both items have content, 0 where there is none.

    Args:
        items: positions of the candidates [num_candidates] int, best first; -1 is no candidate.
        scores: [num_candidates] float, descending.
        k: how many to choose. There are fewer only where candidates run out, or all that are left are more
            than a cap allows.
        strength: from 0, which keeps the order, to 1, where after the first only variety counts.
        vectors: content embeddings [num_items, dim] float32 by space; a strength above 0 needs one.
        caps: see `ItemGroups`.

    Returns:
        Places in `items` [num_chosen] int64, in the order to show them.

    Raises:
        UserError: `strength` is not in [0, 1], or above 0 where no item has content.
        ValueError: `k` is below 1, or there is not one score for each item.
    """
    _check(items, scores, k, strength, vectors)
    places = np.flatnonzero(items >= 0)
    if not len(places) or not (strength or caps):
        return places[:k]
    return places[_choose(items[places], scores[places], k, strength, vectors or {}, caps)]


def _choose(
    items: np.ndarray,
    scores: np.ndarray,
    k: int,
    strength: float,
    vectors: Mapping[str, np.ndarray],
    caps: Sequence[Cap],
) -> list[int]:
    counts = [Count(cap, items) for cap in caps]
    relevance = _scale(scores) if strength else -np.arange(len(items), dtype=np.float64)
    compare = _compare_content(items, vectors) if strength else None
    # Less than any cosine and the same for all, so that relevance alone says who is first.
    similarity = np.full(len(items), -2.0)
    is_open = np.ones(len(items), bool)
    chosen: list[int] = []
    while len(chosen) < k and is_open.any():
        worth = (1 - strength) * relevance - strength * similarity
        place = int(np.where(is_open, worth, -np.inf).argmax())
        chosen.append(place)
        is_open[place] = False
        for count in counts:
            is_open &= ~count.find_full(place)
        if compare:
            np.maximum(similarity, compare(place), out=similarity)
    return chosen


def _scale(scores: np.ndarray) -> np.ndarray:
    """Scores to [0, 1]; all 0 where they are equal."""
    above = scores.astype(np.float64) - scores.min()
    highest = above.max()
    return np.asarray(above / highest if highest > 0 else above)


def _compare_content(items: np.ndarray, vectors: Mapping[str, np.ndarray]) -> Callable[[int], np.ndarray]:
    """From the place of one candidate to the similarities of all to it [num_candidates] float32."""
    units = [unit_rows(space[items]) for space in vectors.values()]
    known = np.stack([space.any(axis=1) for space in units], axis=1).astype(np.float32)
    joined = np.concatenate(units, axis=1)

    def compare(place: int) -> np.ndarray:
        similarity: np.ndarray = joined @ joined[place] / np.maximum(known @ known[place], 1)
        return similarity

    return compare


def _check(
    items: np.ndarray,
    scores: np.ndarray,
    k: int,
    strength: float,
    vectors: Mapping[str, np.ndarray] | None,
) -> None:
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    if items.shape != scores.shape or items.ndim != 1:
        raise ValueError(f"scores: expected one for each item, {items.shape}, got {scores.shape}")
    if not 0 <= strength <= 1:
        raise UserError(f"strength: expected a number from 0 to 1, found {strength}")
    if strength and not vectors:
        raise UserError(
            f"strength: expected 0 where items have neither text nor image to compare, found {strength}"
        )
