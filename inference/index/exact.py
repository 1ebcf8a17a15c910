"""The exact index: it looks at every item."""

import numpy as np
from scipy.sparse import csr_array

from inference.index.index import Index
from training_pipeline.evaluation.selection import Found


class ExactIndex(Index):
    """Finds what training finds: both use `ExactSearch`."""

    def _search_built(
        self, queries: np.ndarray, k: int, excluded: csr_array | None, allowed: np.ndarray | None
    ) -> Found:
        return self._built.find(queries, k, excluded, allowed)
