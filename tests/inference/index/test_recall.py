"""Recall against a count by hand."""

import numpy as np
import pytest

from inference.index.exact import ExactIndex
from inference.index.recall import compute_recall

ITEMS = np.arange(1, 7, dtype=np.float32)[:, None]
QUERIES = np.array([[1], [-1]], np.float32)


def test_counts_what_is_missed():
    # The positive query's best are 5, 4, 3, of which the other index lacks 5; the negative one's 0, 1, 2.
    index = ExactIndex(ITEMS)
    index.remove(np.array([5]))
    assert compute_recall(index, ExactIndex(ITEMS), QUERIES, 3) == pytest.approx((2 / 3 + 1) / 2)


def test_padding_is_no_miss():
    assert compute_recall(ExactIndex(ITEMS), ExactIndex(ITEMS), QUERIES, 10) == 1
    assert compute_recall(ExactIndex(ITEMS[:0]), ExactIndex(ITEMS[:0]), QUERIES, 10) == 1
