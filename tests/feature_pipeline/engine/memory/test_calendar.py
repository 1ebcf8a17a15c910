"""The calendar of rows by key and instant, against a plain search."""

import numpy as np
import pytest

from feature_pipeline.engine.memory.calendar import Calendar, keep_calendar
from feature_pipeline.engine.memory.key_index import NO_PLACE


def find(calendar: Calendar, instants: np.ndarray, *asked: tuple[int, int]) -> list[int]:
    keys, moments = (np.array(part) for part in zip(*asked, strict=True))
    return calendar.find_before(keys, moments, instants).tolist()


def test_by_hand() -> None:
    # Two keys: rows 0-3 of the one, rows 4 and 5 of the other.
    keys, instants = np.array([0, 0, 0, 0, 1, 1]), np.array([10, 20, 30, 40, 25, 50])
    calendar = keep_calendar(keys, instants, 2)
    # Every second of 10, 20, 25, 30, 40, 50.
    assert calendar.days.tolist() == [20, 30, 50]
    assert calendar.marks.tolist() == [[0, 4], [1, 4], [2, 5], [4, 5], [4, 6]]
    assert (calendar.starts.tolist(), calendar.stops.tolist()) == ([0, 4], [4, 6])
    asked = [(0, 5), (0, 10), (0, 11), (0, 20), (0, 21), (0, 40), (0, 41), (1, 25), (1, 26), (1, 99)]
    assert find(calendar, instants, *asked) == [-1, -1, 0, 0, 1, 2, 3, -1, 4, 5]
    assert find(calendar, instants, (NO_PLACE, 99)) == [-1]


def test_of_one_key_and_of_none() -> None:
    instants = np.array([5, 7])
    assert find(keep_calendar(np.zeros(2, int), instants, 1), instants, (0, 6)) == [0]
    nothing = np.array([], int)
    assert keep_calendar(nothing, nothing, 0).marks.shape == (2, 0)


@pytest.mark.parametrize("seed", range(6))
def test_equals_a_plain_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Much of some keys, little of others, in one time or all over.
    count = rng.zipf(1.3, 40) % 300 + 1
    own = [
        np.sort(rng.choice(int(width), size, replace=False))
        for size, width in zip(count, count * rng.integers(1, 90, 40), strict=True)
    ]
    keys, instants = np.repeat(np.arange(40), count), np.concatenate(own)
    calendar = keep_calendar(keys, instants, 40)
    assert calendar.marks.size <= len(keys) + 3 * 40
    starts = np.cumsum(count) - count
    asked = [
        (int(key), int(moment))
        for key, moment in zip(
            rng.integers(0, 40, 500), rng.integers(-2, instants.max() + 2, 500), strict=True
        )
    ]
    before = [(int(starts[key]), int(np.searchsorted(own[key], moment))) for key, moment in asked]
    expected = [start + count - 1 if count else -1 for start, count in before]
    assert find(calendar, instants, *asked) == expected
