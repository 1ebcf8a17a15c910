"""The approximate index: ScaNN proposes, exact scores decide."""

import math

import numpy as np
from scipy.sparse import csr_array

from inference.index.index import Index
from inference.index.proposer import Proposer
from training_pipeline.evaluation.selection import Found, stack_found
from training_pipeline.index_config import ScannConfig
from training_pipeline.ranking.threads import map_threads

# Leaves for each square root of the number of items, and how many of them are searched, by its fourth root:
# the fewer items, the larger the share of the leaves that hold some of the best.
_LEAVES, _SEARCHED = 4, 2500
# So many more than are wanted are scored exactly, and so many times as many are compared by longer codes.
_SCORED, _COMPARED = 50, 2
# Each further round asks for so many times as much.
_GROWTH = 4


class ScannIndex(Index):
    """Finds nearly all of the best items by looking at few.

    ScaNN proposes more items than are wanted, and these are scored exactly. Where excluded and filtered items
    leave a list short, it is asked for more; and where it would have to look into every leaf, or compare
    every item, the search is exact.

    Args:
        item_embeddings: [num_items, dim] float32; may be memory-mapped.
        config: how closely it looks.
        proposer: ScaNN over these items; built by default.

    Attributes:
        num_leaves: into how many leaves the items are divided.
        leaves_to_search: into how many of them a query looks.

    Raises:
        ImportError: scann is not installed; `read_index` says so before.
        ValueError: an embedding is not finite.
    """

    def __init__(
        self,
        item_embeddings: np.ndarray,
        config: ScannConfig,
        proposer: Proposer | None = None,
    ):
        super().__init__(item_embeddings)
        num_items = max(1, len(item_embeddings))
        self._config = config
        self.num_leaves = config.leaves or math.ceil(_LEAVES * num_items**0.5)
        self.leaves_to_search = config.leaves_to_search or math.ceil(_SEARCHED / num_items**0.25)
        self._proposer = proposer
        if proposer is None and self._looks_at_few(1, 1):
            self._proposer = Proposer.build(self._built.items, self.num_leaves)

    def _search_built(
        self, queries: np.ndarray, k: int, excluded: csr_array | None, allowed: np.ndarray | None
    ) -> Found:
        num_items = len(self._built.items)
        num_allowed = num_items if allowed is None else np.count_nonzero(allowed)
        factor = num_items / num_allowed if num_allowed else math.inf
        left_out = _split_rows(excluded, len(queries))
        found: dict[int, Found] = {}
        short = list(range(len(queries)))

        def propose(row: int) -> Found:
            places = self._propose(queries[row], k + len(left_out[row]), factor)
            return self._built.rank(queries[row], _keep(places, left_out[row], allowed), k)

        while short and self._looks_at_few(k, factor):
            found.update(zip(short, map_threads(propose, short), strict=True))
            short = [row for row in short if len(found[row][0]) < k]
            factor *= _GROWTH
        if short:
            own = None if excluded is None else excluded[short]
            items, scores = self._built.find(queries[short], k, own, allowed)
            found.update(zip(short, zip(items, scores, strict=True), strict=True))
        return stack_found([found[row] for row in range(len(queries))], k)

    def _looks_at_few(self, k: int, factor: float) -> bool:
        """Whether so many times as much as usual is less than everything."""
        compared, leaves = factor * self._count_compared(k), factor * self.leaves_to_search
        return compared < len(self._built.items) and leaves < self.num_leaves

    def _propose(self, query: np.ndarray, wanted: int, factor: float) -> np.ndarray:
        """More places of items than are wanted [any] uint32, ascending, if the leaves hold them."""
        assert self._proposer is not None
        amounts = wanted + _SCORED, self._count_compared(wanted), self.leaves_to_search
        return self._proposer.propose(query, *(math.ceil(factor * amount) for amount in amounts))

    def _count_compared(self, wanted: int) -> int:
        return max(self._config.reorder, _COMPARED * wanted)


def _split_rows(excluded: csr_array | None, num_queries: int) -> list[np.ndarray]:
    """The items that each query leaves out."""
    if excluded is None:
        return [np.zeros(0, np.int32)] * num_queries
    rows, items = excluded.nonzero()
    return np.split(items, np.searchsorted(rows, np.arange(1, num_queries)))


def _keep(places: np.ndarray, left_out: np.ndarray, allowed: np.ndarray | None) -> np.ndarray:
    """The places that may be found."""
    if allowed is not None:
        places = places[allowed[places]]
    return places[~np.isin(places, left_out)] if len(left_out) else places
