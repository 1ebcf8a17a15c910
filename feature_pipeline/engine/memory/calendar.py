"""Where the rows of keys stood at some instants, so that a search begins near its end."""

from dataclasses import dataclass

import numpy as np


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

    def find(self, keys: np.ndarray, moments: np.ndarray, instants: np.ndarray) -> np.ndarray:
        """The first row of each key that is not before a moment, or the row after its last [num_asked].

        Args:
            keys: places of keys [num_asked] int64.
            moments: [num_asked] int64 microseconds.
            instants: of all rows, of which there are some [num_rows] int64 microseconds.
        """
        day = np.searchsorted(self.days, moments)
        row: np.ndarray = self.marks[day, keys]
        stop = self.marks[day + 1, keys]
        step = 1 << int((stop - row).max(initial=0)).bit_length() >> 1
        while step:
            ahead = np.minimum(row + step, stop)
            row = np.where(instants[ahead - 1] < moments, ahead, row)
            step >>= 1
        return row


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
