"""What every kind of index has in common: what is asked of it, and that items come and go."""

from abc import ABC, abstractmethod
from threading import Lock

import numpy as np
from scipy.sparse import csr_array

from inference.index.changes import Changes
from training_pipeline.evaluation.selection import Found
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.exact_search import ExactSearch, check_search


class Index(ABC):
    """Finds the items with the highest inner product.

    Items that were added are searched exactly, beside those that the index was built with. Searches may run
    while items are added or removed.

    Args:
        item_embeddings: [num_items, dim] float32; may be memory-mapped, and is never copied.
        changes: what has happened to the index before; nothing by default.

    Raises:
        ValueError: an embedding is not finite.
    """

    def __init__(self, item_embeddings: np.ndarray, changes: Changes | None = None):
        # A memory map is an array like others but for each slice's taking longer.
        self._built = ExactSearch(np.asarray(item_embeddings))
        self._changes = changes or Changes.none(item_embeddings)
        self._writing = Lock()

    @property
    def num_items(self) -> int:
        """How many positions there are, those of removed items among them."""
        return len(self._changes.removed)

    def search(
        self,
        queries: np.ndarray,
        k: int,
        excluded: csr_array | None = None,
        allowed: np.ndarray | None = None,
    ) -> Candidates:
        """The `k` best items of each query, in descending order of score, ties by the lower position.

        A query's candidates are the same in any batch, and their scores the same in any kind of index.

        Args:
            queries: [num_queries, dim] float32.
            k: how many; rows end in -1 only where fewer remain.
            excluded: items to leave out, query by query [num_queries, num_items] bool.
            allowed: the items that may be found at all [num_items] bool.

        Raises:
            ValueError: `k` is below 1, an array is of another shape, or a query is not finite.
        """
        changes = self._changes
        num_items, num_built = len(changes.removed), len(self._built.items)
        queries = np.ascontiguousarray(queries, np.float32)
        check_search(queries, self._built.items.shape[1], k)
        _check_shape("excluded", excluded, (len(queries), num_items))
        _check_shape("allowed", allowed, (num_items,))
        eligible = changes.find_eligible(allowed)
        if num_items == num_built:
            return Candidates(*self._search_built(queries, k, excluded, eligible))
        parts = [
            (
                None if excluded is None else excluded[:, columns],
                None if eligible is None else eligible[columns],
            )
            for columns in (slice(num_built), slice(num_built, num_items))
        ]
        built = self._search_built(queries, k, *parts[0])
        items, scores = changes.added.find(queries, k, *parts[1])
        return _merge(built, (np.where(items < 0, -1, items + num_built), scores), k)

    def add(self, embeddings: np.ndarray) -> np.ndarray:
        """Adds items, which are found from now on.

        Args:
            embeddings: [num_added, dim] float32.

        Returns:
            Their positions [num_added] int64; no other item's position changes.

        Raises:
            ValueError: the embeddings are of another dimension, or not finite.
        """
        with self._writing:
            first = self.num_items
            self._changes = self._changes.add(np.asarray(embeddings))
            return np.arange(first, self.num_items)

    def remove(self, positions: np.ndarray) -> None:
        """Removes items, which are never found again; no other item's position changes.

        Args:
            positions: [num_removed] int.

        Raises:
            ValueError: there is no such position.
        """
        with self._writing:
            self._changes = self._changes.remove(np.asarray(positions, np.int64))

    @abstractmethod
    def _search_built(
        self, queries: np.ndarray, k: int, excluded: csr_array | None, eligible: np.ndarray | None
    ) -> Found:
        """Searches the items that the index was built with; see `ExactSearch.find`."""


def _check_shape(name: str, array: csr_array | np.ndarray | None, shape: tuple[int, ...]) -> None:
    if array is not None and array.shape != shape:
        raise ValueError(f"{name}: expected shape {list(shape)}, got {list(array.shape)}")


def _merge(first: Found, second: Found, k: int) -> Candidates:
    """The best of two lists a query; those of the first have the lower positions."""
    items, scores = (np.hstack(parts) for parts in zip(first, second, strict=True))
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Candidates(
        np.take_along_axis(items, best, axis=1).astype(np.int32), np.take_along_axis(scores, best, axis=1)
    )
