"""Exact search: the items with the highest inner product, by looking at every one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from feature_pipeline.compiled import compiled_in_any_order
from training_pipeline.evaluation.selection import Found, find_top, order_best, stack_found
from training_pipeline.ranking.threads import map_threads

# Bounds the memory: no more scores than these, 256 MiB, are kept at a time.
SCORES_AT_ONCE = 2**26
# Gathering an item's row takes about as long as scoring this many rows in their order.
_GATHERING = 8
_ROWS_AT_ONCE = 2**16
# In fewer items one thread finds the best before others have begun.
_THREADS_FROM = 2**17
_UNIT_ROUNDOFF = 2.0**-24
_DIVERGED = "check whether the model's training diverged"


@dataclass(frozen=True)
class ExactSearch:
    """Searches all items. A matrix product scores them, of one query or of many.

    How such a product rounds depends on how many queries there are and where an item stands. So it only
    decides which items can be among the best; these are scored anew, each by itself (`score`). The same query
    therefore has the same candidates in every batch, and items with the same embedding tie.

    Attributes:
        items: their embeddings [num_items, dim] float32; may be memory-mapped, and is never copied.

    Raises:
        ValueError: an embedding is not finite.
    """

    items: np.ndarray

    def __post_init__(self) -> None:
        if not np.isfinite(self._longest):
            raise ValueError(f"items: expected finite numbers, got others; {_DIVERGED}")

    def find(
        self,
        queries: np.ndarray,
        k: int,
        excluded: csr_array | None = None,
        eligible: np.ndarray | None = None,
    ) -> Found:
        """Finds the `k` best items of each query.

        Args:
            queries: [num_queries, dim] float32, finite.
            k: how many; rows end in -1 where fewer remain.
            excluded: items to leave out [num_queries, num_items] bool.
            eligible: the items that may be found at all [num_items] bool.

        Returns:
            Items [num_queries, k] int32, and their scores [num_queries, k] float32, in descending order of
            score, ties by the lower place.

        Raises:
            ValueError: `k` is below 1, or the queries are of another dimension or not finite.
        """
        check_search(queries, self.items.shape[1], k)
        if eligible is not None and _GATHERING * np.count_nonzero(eligible) < len(eligible):
            return self._find_within(np.flatnonzero(eligible), queries, k, excluded)
        at_once = max(1, SCORES_AT_ONCE // max(1, len(self.items)))
        scores = np.empty((min(at_once, len(queries)), len(self.items)), np.float32)
        found: list[Found] = []
        for start in range(0, len(queries), at_once):
            block = slice(start, start + at_once)
            own = scores[: len(queries[block])]
            np.matmul(queries[block], self.items.T, out=own)
            if eligible is not None:
                np.copyto(own, -np.inf, where=~eligible)
            if excluded is not None:
                own[excluded[block].nonzero()] = -np.inf
            found += self._choose(own, queries[block], k)
        return stack_found(found, k)

    def rank(self, query: np.ndarray, places: np.ndarray, k: int) -> Found:
        """The `k` best of some items.

        Args:
            query: [dim] float32.
            places: of the items [any] int, ascending, without repeats.
            k: how many.
        """
        scores = self.score(query, places)
        best = order_best(scores, k)
        return places[best], scores[best]

    def score(self, query: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Inner products [num_places] float32 of a query [dim] float32 with the items at some places.

        An item's score does not depend on which others are asked for.
        """
        return _multiply(self.items, places, query)

    def _find_within(
        self, places: np.ndarray, queries: np.ndarray, k: int, excluded: csr_array | None
    ) -> Found:
        """The same among a few items alone."""
        few = ExactSearch(self.items[places])
        found, scores = few.find(queries, k, None if excluded is None else excluded[:, places])
        # The padding, -1, points at the extra place at the end.
        return np.append(places, -1).astype(np.int32)[found], scores

    def _choose(self, scores: np.ndarray, queries: np.ndarray, k: int) -> list[Found]:
        """The `k` best of each query, by scores [num_queries, num_items] float32 rounded in some way."""

        def choose(own: np.ndarray, query: np.ndarray) -> Found:
            return self.rank(query, find_top(own, k, self._bound_rounding(query)), k)

        if len(self.items) < _THREADS_FROM:
            return list(map(choose, scores, queries))
        return map_threads(choose, scores, queries)

    def _bound_rounding(self, query: np.ndarray) -> float:
        """How far apart two scores may be when another rounding has them change places.

        Each of the two is off by at most `dim * u * |query| * |item|` whichever way it is added up (Higham,
        2002), and both were computed twice. A little more makes up for the rounding of the bound itself.
        """
        length = float(np.linalg.norm(query.astype(np.float64)))
        return 4 * (len(query) + 2) * _UNIT_ROUNDOFF * length * self._longest

    @cached_property
    def _longest(self) -> float:
        """The largest norm of an item."""
        blocks = (
            self.items[start : start + _ROWS_AT_ONCE] for start in range(0, len(self.items), _ROWS_AT_ONCE)
        )
        squares = [np.einsum("id,id->i", block, block).max() for block in blocks]
        return float(np.sqrt(np.max(squares, initial=0.0)))


@compiled_in_any_order
def _multiply(items: np.ndarray, places: np.ndarray, query: np.ndarray) -> np.ndarray:
    products = np.empty(len(places), np.float32)
    for number, place in enumerate(places):
        product = np.float32(0)
        for axis in range(len(query)):
            product += items[place, axis] * query[axis]
        products[number] = product
    return products


def check_search(queries: np.ndarray, dim: int, k: int) -> None:
    """Checks what is asked of a search.

    Raises:
        ValueError: `k` is below 1, or the queries are not `[num_queries, dim]`, or not finite.
    """
    if k < 1:
        raise ValueError(f"k: expected a list length of at least 1, got {k}")
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ValueError(f"queries: expected shape [num_queries, {dim}], got {list(queries.shape)}")
    if not np.isfinite(queries).all():
        broken = ~np.isfinite(queries).all(axis=1)
        raise ValueError(
            f"queries: expected finite numbers, got others in {broken.sum()} of {len(queries)} queries "
            f"(first: query {broken.argmax()}); {_DIVERGED}"
        )
