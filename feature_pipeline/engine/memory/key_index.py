"""Where a key stands among those that there are, found without a search through all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.keys import KeySpace

# What is asked of a key that there is not.
NO_PLACE = -1


@dataclass(frozen=True)
class KeyIndex:
    """Keys in their order, divided into buckets of `2**shift` numbers that follow on each other.

    Attributes:
        space: numbers the keys.
        keys: their numbers, ascending, each once [num_keys] int64.
        bounds: place of the first key of each bucket, and at last their number [num_buckets + 1] int64.
        shift: 0 where nearly every number is a key's, so that its bucket says it all.
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
        number = self.space.number(parts)
        bucket = number >> self.shift
        # `NO_KEY` is of the last bucket and of the first: it starts after its end.
        place, stop = self.bounds[bucket], self.bounds[bucket + 1]
        is_there = place < stop
        if self.shift:
            place = self._bisect(place, stop, number)
            is_there &= self.keys[np.minimum(place, len(self.keys) - 1)] == number
        return np.where(is_there, place, NO_PLACE)

    def _bisect(self, place: np.ndarray, stop: np.ndarray, number: np.ndarray) -> np.ndarray:
        """The last key of each bucket that is not greater than the number, or the first one."""
        last = np.maximum(stop - 1, 0)
        step = 1 << int((last - place).max(initial=0)).bit_length() >> 1
        while step:
            ahead = np.minimum(place + step, last)
            place = np.where(self.keys[ahead] <= number, ahead, place)
            step >>= 1
        return place


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
