"""What every kind of index has in common: what is asked of it, and that items are added."""

from abc import ABC, abstractmethod
from copy import copy
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from training_pipeline.evaluation.selection import Found
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.exact_search import ExactSearch, check_search


class Index(ABC):
    """Finds the items with the highest inner product. It never changes, so that threads may share it.

    Items that were added are searched exactly, beside those that the index was built with. An item that is to
    be found no more is not `allowed`; it keeps its position.

    Args:
        item_embeddings: [num_items, dim] float32; may be memory-mapped, and is never copied.

    Raises:
        ValueError: an embedding is not finite.
    """

    def __init__(self, item_embeddings: np.ndarray):
        # A memory map is an array like others but for each slice's taking longer.
        self._built = ExactSearch(np.asarray(item_embeddings))
        self._added = ExactSearch(np.zeros((0, item_embeddings.shape[1]), np.float32))

    @property
    def num_items(self) -> int:
        """How many positions there are."""
        return len(self._built.items) + len(self._added.items)

    def add(self, embeddings: np.ndarray) -> Self:
        """The same with more items, at the next positions; what it was built with is shared.

        Args:
            embeddings: [num_added, dim] float32.

        Raises:
            ValueError: the embeddings are of another dimension, or not finite.
        """
        dim = self._built.items.shape[1]
        if embeddings.ndim != 2 or embeddings.shape[1] != dim:
            raise ValueError(f"embeddings: expected shape [num_added, {dim}], got {list(embeddings.shape)}")
        after = copy(self)
        after._added = ExactSearch(np.concatenate([self._added.items, embeddings.astype(np.float32)]))
        return after

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
        num_items, num_built = self.num_items, len(self._built.items)
        queries = np.ascontiguousarray(queries, np.float32)
        check_search(queries, self._built.items.shape[1], k)
        _check_shape("excluded", excluded, (len(queries), num_items))
        _check_shape("allowed", allowed, (num_items,))
        if num_items == num_built:
            return Candidates(*self._search_built(queries, k, excluded, allowed))
        of_built, of_added = (
            (
                None if excluded is None else excluded[:, columns],
                None if allowed is None else allowed[columns],
            )
            for columns in (slice(num_built), slice(num_built, num_items))
        )
        built = self._search_built(queries, k, *of_built)
        items, scores = self._added.find(queries, k, *of_added)
        return _merge(built, (np.where(items < 0, -1, items + num_built), scores), k)

    @abstractmethod
    def _search_built(
        self, queries: np.ndarray, k: int, excluded: csr_array | None, allowed: np.ndarray | None
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
