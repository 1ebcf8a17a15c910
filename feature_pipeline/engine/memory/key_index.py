"""Where a key stands among those that there are, found without a search through all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from feature_pipeline.compiled import compiled
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.keys import NO_KEY, KeySpace

# What is asked of a key that there is not.
NO_PLACE = -1


@dataclass(frozen=True)
class KeyIndex:
    """Keys in their order, divided into buckets of `2**shift` numbers that follow on each other.

    Attributes:
        space: numbers the keys.
        keys: their numbers, ascending, each once [num_keys] int64.
        bounds: place of the first key of each bucket, and at last their number [num_buckets + 1] int64.
        shift: of the buckets; 0 where nearly every number is a key's.
    """

    space: KeySpace
    keys: np.ndarray
    bounds: np.ndarray
    shift: int

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, parts: Sequence[Column]) -> np.ndarray:
        """The places of keys, `NO_PLACE` for those that are not there [num_rows] int64.

        Args:
            parts: of the keys [num_rows] each.
        """
        return _find(self.keys, self.bounds, self.shift, self.space.number(parts))


@compiled
def _find(keys: np.ndarray, bounds: np.ndarray, shift: int, numbers: np.ndarray) -> np.ndarray:
    places = np.full(len(numbers), NO_PLACE)
    for asked, number in enumerate(numbers):
        if number == NO_KEY:
            continue
        low, stop = bounds[number >> shift], bounds[(number >> shift) + 1]
        high = stop
        while low < high:
            middle = (low + high) >> 1
            if keys[middle] < number:
                low = middle + 1
            else:
                high = middle
        if low < stop and keys[low] == number:
            places[asked] = low
    return places


def index_keys(space: KeySpace, keys: np.ndarray) -> KeyIndex:
    """Indexes keys, in about as many buckets.

    Args:
        space: numbers the keys.
        keys: their numbers, ascending, each once [num_keys] int64.
    """
    size = prod(space.spans)
    shift = (size // (2 * max(len(keys), 1))).bit_length() if len(keys) else 0
    buckets = ((size - 1) >> shift) + 1 if len(keys) else 1
    bounds = np.searchsorted(keys, np.arange(buckets + 1) << shift)
    return KeyIndex(space, keys, bounds, shift)
