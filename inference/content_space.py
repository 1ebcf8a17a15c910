"""Where the content of items lies, and how near each is to something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Cosines that differ by less are rounding, and count as equal.
_DECIMALS = 6


@dataclass(frozen=True)
class Space:
    """Vectors of all items.

    Attributes:
        vectors: [num_items, dim] float32 of any length, zeros where an item has none.
    """

    vectors: np.ndarray

    @cached_property
    def _scale(self) -> np.ndarray:
        """What each vector's products are multiplied by [num_items] float32; NaN where it has none."""
        length = np.sqrt(np.einsum("nd,nd->n", self.vectors, self.vectors))
        return np.where(length > 0, 1 / np.where(length > 0, length, 1), np.nan).astype(np.float32)

    def compare(self, vector: np.ndarray) -> np.ndarray:
        """Cosines of all items to a vector [dim]: [num_items] float32, NaN where an item has none."""
        products = self.vectors @ (vector / np.linalg.norm(vector)).astype(np.float32)
        cosines: np.ndarray = np.clip(np.round(products * self._scale, _DECIMALS), -1, 1)
        return cosines


def average(cosines: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of what is known of each item [num_items] float32; NaN where nothing is."""
    count = np.sum([~np.isnan(own) for own in cosines], axis=0)
    total = np.sum([np.nan_to_num(own) for own in cosines], axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def standardise(cosines: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 among the items whose cosine is known [num_items] float32, NaN elsewhere."""
    known = cosines[~np.isnan(cosines)].astype(np.float64)
    # The deviation of equal numbers is rounding.
    if not len(known) or np.ptp(known) == 0:
        return cosines * 0
    scaled: np.ndarray = ((cosines - known.mean()) / known.std()).astype(np.float32)
    return scaled
