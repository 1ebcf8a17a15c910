"""Where the rows of keys stood at some instants, so that a search begins near its end."""

from dataclasses import dataclass

import numpy as np

from feature_pipeline.compiled import compiled
from feature_pipeline.engine.memory.key_index import NO_PLACE


@dataclass(frozen=True)
class Calendar:
    """Of rows by key and instant. About as many marks as rows: between two of a key lies about one row.

    Attributes:
        days: some instants, ascending, each once [num_days] int64 microseconds.
        marks: the first row of each key, its first row not before each of the days, and the row after its
            last one [num_days + 2, num_keys] int32 or int64. What is asked at one moment lies in two lines.
    """

    days: np.ndarray
    marks: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """The first row of each key [num_keys]."""
        starts: np.ndarray = self.marks[0]
        return starts

    @property
    def stops(self) -> np.ndarray:
        """The row after the last of each key [num_keys]."""
        stops: np.ndarray = self.marks[-1]
        return stops

    def find_before(self, keys: np.ndarray, moments: np.ndarray, instants: np.ndarray) -> np.ndarray:
        """The last row of each key before a moment [num_asked] int64; -1 where there is none, or no key.

        Args:
            keys: places of keys, or `NO_PLACE` [num_asked] int64.
            moments: [num_asked] int64 microseconds.
            instants: of all rows [num_rows] int64 microseconds.
        """
        return _find_before(self.days, self.marks, instants, keys, moments)


@compiled
def _find_before(
    days: np.ndarray, marks: np.ndarray, instants: np.ndarray, keys: np.ndarray, moments: np.ndarray
) -> np.ndarray:
    rows = np.full(len(keys), -1)
    day = 0
    for asked, key in enumerate(keys):
        moment = moments[asked]
        # Most are asked at the moment of the one before.
        if asked == 0 or moment != moments[asked - 1]:
            day = np.searchsorted(days, moment)
        if key == NO_PLACE:
            continue
        low, high = np.int64(marks[day, key]), np.int64(marks[day + 1, key])
        while low < high:
            middle = (low + high) >> 1
            if instants[middle] < moment:
                low = middle + 1
            else:
                high = middle
        if low > marks[0, key]:
            rows[asked] = low - 1
    return rows


def keep_calendar(keys: np.ndarray, instants: np.ndarray, num_keys: int) -> Calendar:
    """Marks rows.

    Args:
        keys: the place of the key of each row, ascending [num_rows] int64.
        instants: of each row, ascending within a key [num_rows] int64 microseconds.
        num_keys: how many there are, each with a row.
    """
    num_rows = len(keys)
    # As many rows lie between each two days.
    apart = max(num_keys, 1)
    days = np.unique(np.sort(instants)[apart // 2 :: apart])
    day = np.searchsorted(days, instants, side="right")
    counts = np.bincount(day * num_keys + keys, minlength=(len(days) + 1) * num_keys)
    starts = np.searchsorted(keys, np.arange(num_keys))
    so_far = np.cumsum(counts.reshape(len(days) + 1, num_keys), axis=0)
    marks = np.concatenate([starts[None], starts + so_far])
    return Calendar(days, marks.astype(np.int32 if num_rows < 2**31 else np.int64))
