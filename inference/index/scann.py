"""The approximate index: ScaNN proposes, exact scores decide."""

import json
import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from feature_pipeline.artefact import MANIFEST, compute_checksums, read_manifest
from inference.index.changes import Changes
from training_pipeline.index_config import ScannConfig
from inference.index.index import Index
from inference.index.proposer import Proposer, import_scann
from training_pipeline.evaluation.selection import Found, stack_found
from training_pipeline.ranking.threads import map_threads

FORMAT_VERSION = 1

_ITEM_EMBEDDINGS = "item_embeddings.npy"
_PROPOSER = "proposer"
# Leaves for each square root of the number of items, and how many of them are searched, by its fourth root:
# the fewer items, the larger the share of the leaves that hold some of the best.
_LEAVES, _SEARCHED = 4, 2000
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
        changes: what has happened to the index before; nothing by default.

    Raises:
        UserError: scann is not installed.
        ValueError: an embedding is not finite.
    """

    def __init__(
        self,
        item_embeddings: np.ndarray,
        config: ScannConfig,
        proposer: Proposer | None = None,
        changes: Changes | None = None,
    ):
        super().__init__(item_embeddings, changes)
        num_items = max(1, len(item_embeddings))
        self._config = config
        self._num_leaves = config.leaves or math.ceil(_LEAVES * num_items**0.5)
        self._leaves_to_search = config.leaves_to_search or math.ceil(_SEARCHED / num_items**0.25)
        self._proposer = proposer
        if proposer is None:
            import_scann()  # though few items never ask it: whether a setting works must not depend on them
            if self._looks_at_few(1, 1):
                self._proposer = Proposer.build(self._built.items, self._num_leaves)

    def save(self, folder: Path) -> None:
        """Writes the index; the folder appears whole or not at all, in place of what was there.

        Args:
            folder: where it will be; its parent is made if need be.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as parent:
            work = Path(parent, folder.name)
            work.mkdir()
            np.save(work / _ITEM_EMBEDDINGS, self._built.items, allow_pickle=False)
            self._changes.write(work)
            if self._proposer is not None:
                (work / _PROPOSER).mkdir()
                self._proposer.write(work / _PROPOSER)
            manifest = {"format_version": FORMAT_VERSION, "config": self._config.model_dump()}
            content = manifest | {"checksums": compute_checksums(work)}
            (work / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)

    @classmethod
    def open(cls, folder: Path) -> "ScannIndex":
        """Opens what `save` wrote; the embeddings stay on disk until they are read.

        Raises:
            ArtefactError: a file is missing, or not as it was written.
            UserError: scann is not installed.
        """
        manifest = read_manifest(folder, FORMAT_VERSION, "build the index anew")
        item_embeddings = np.load(folder / _ITEM_EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        proposer = Proposer.read(folder / _PROPOSER) if (folder / _PROPOSER).exists() else None
        config = ScannConfig.model_validate(manifest["config"])
        return cls(item_embeddings, config, proposer, Changes.read(folder))

    def _search_built(
        self, queries: np.ndarray, k: int, excluded: csr_array | None, eligible: np.ndarray | None
    ) -> Found:
        num_items = len(self._built.items)
        num_eligible = num_items if eligible is None else np.count_nonzero(eligible)
        factor = num_items / num_eligible if num_eligible else math.inf
        left_out = _split_rows(excluded, len(queries))
        found: dict[int, Found] = {}
        short = list(range(len(queries)))

        def propose(row: int) -> Found:
            places = self._propose(queries[row], k + len(left_out[row]), factor)
            return self._built.rank(queries[row], _keep(places, left_out[row], eligible), k)

        while short and self._looks_at_few(k, factor):
            found.update(zip(short, map_threads(propose, short), strict=True))
            short = [row for row in short if len(found[row][0]) < k]
            factor *= _GROWTH
        if short:
            own = None if excluded is None else excluded[short]
            items, scores = self._built.find(queries[short], k, own, eligible)
            found.update(zip(short, zip(items, scores, strict=True), strict=True))
        return stack_found([found[row] for row in range(len(queries))], k)

    def _looks_at_few(self, k: int, factor: float) -> bool:
        """Whether so many times as much as usual is less than everything."""
        compared, leaves = factor * self._count_compared(k), factor * self._leaves_to_search
        return compared < len(self._built.items) and leaves < self._num_leaves

    def _propose(self, query: np.ndarray, wanted: int, factor: float) -> np.ndarray:
        """More places of items than are wanted [any] uint32, ascending, if the leaves hold them."""
        assert self._proposer is not None
        amounts = wanted + _SCORED, self._count_compared(wanted), self._leaves_to_search
        return self._proposer.propose(query, *(math.ceil(factor * amount) for amount in amounts))

    def _count_compared(self, wanted: int) -> int:
        return max(self._config.reorder, _COMPARED * wanted)


def _split_rows(excluded: csr_array | None, num_queries: int) -> list[np.ndarray]:
    """The items that each query leaves out."""
    if excluded is None:
        return [np.zeros(0, np.int32)] * num_queries
    rows, items = excluded.nonzero()
    return np.split(items, np.searchsorted(rows, np.arange(1, num_queries)))


def _keep(places: np.ndarray, left_out: np.ndarray, eligible: np.ndarray | None) -> np.ndarray:
    """The places that may be found."""
    if eligible is not None:
        places = places[eligible[places]]
    return places[~np.isin(places, left_out)] if len(left_out) else places
