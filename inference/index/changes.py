"""What has happened to an index since it was built: items that were added, items that were removed."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from training_pipeline.ranking.exact_search import ExactSearch

_ADDED = "added.npy"
_REMOVED = "removed.npy"


@dataclass(frozen=True)
class Changes:
    """Added and removed items; a search keeps to those it began with, whatever comes or goes meanwhile.

    Attributes:
        added: the embeddings of added items, whose positions follow those that the index was built with.
        removed: which items are never found again [num_items] bool, those added among them.
    """

    added: ExactSearch
    removed: np.ndarray

    @classmethod
    def none(cls, item_embeddings: np.ndarray) -> "Changes":
        """As long as nothing has changed about [num_items, dim] float32."""
        num_items, dim = item_embeddings.shape
        return cls(ExactSearch(np.zeros((0, dim), np.float32)), np.zeros(num_items, bool))

    def add(self, embeddings: np.ndarray) -> "Changes":
        """Further items [num_added, dim] float32 at the next positions.

        Raises:
            ValueError: the embeddings are of another dimension, or not finite.
        """
        dim = self.added.items.shape[1]
        if embeddings.ndim != 2 or embeddings.shape[1] != dim:
            raise ValueError(f"embeddings: expected shape [num_added, {dim}], got {list(embeddings.shape)}")
        if not np.isfinite(embeddings).all():
            raise ValueError(
                "embeddings: expected finite numbers, got NaN or infinity; encode the items anew"
            )
        added = np.concatenate([self.added.items, embeddings.astype(np.float32)])
        return Changes(ExactSearch(added), np.append(self.removed, np.zeros(len(embeddings), bool)))

    def remove(self, positions: np.ndarray) -> "Changes":
        """Without the items at these positions [num_removed] int.

        Raises:
            ValueError: there is no such position.
        """
        unknown = (positions < 0) | (positions >= len(self.removed))
        if unknown.any():
            raise ValueError(
                f"positions: expected numbers from 0 to {len(self.removed) - 1}, "
                f"got {positions[unknown.argmax()]}"
            )
        removed = self.removed.copy()
        removed[positions] = True
        return replace(self, removed=removed)

    def find_eligible(self, allowed: np.ndarray | None) -> np.ndarray | None:
        """Which of the allowed items are left [num_items] bool; None where it is all there are."""
        if not self._any_removed:
            return allowed
        return ~self.removed if allowed is None else allowed & ~self.removed

    @cached_property
    def _any_removed(self) -> bool:
        return bool(self.removed.any())

    def write(self, folder: Path) -> None:
        """Writes two files."""
        np.save(folder / _ADDED, self.added.items, allow_pickle=False)
        np.save(folder / _REMOVED, self.removed, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> "Changes":
        """Reads what `write` wrote."""
        added = np.load(folder / _ADDED, allow_pickle=False)
        return cls(ExactSearch(added), np.load(folder / _REMOVED, allow_pickle=False))
