"""Recall against a count by hand."""

import numpy as np
import pytest

from inference.index.exact import ExactIndex
from inference.index.recall import RecallError, compute_recall, measure_recall
from tests.inference.index.kinds import CONFIG, NEEDS_SCANN, draw_items

ITEMS = np.arange(1, 7, dtype=np.float32)[:, None]
QUERIES = np.array([[1], [-1]], np.float32)


class Forgetful(ExactIndex):
    """Never finds item 5."""

    def _search_built(self, queries, k, excluded, allowed):
        return super()._search_built(queries, k, excluded, np.arange(len(ITEMS)) != 5)


def test_counts_what_is_missed():
    # The positive query's best are 5, 4, 3, of which the forgetful index lacks 5; the negative one's 0, 1, 2.
    share = compute_recall(Forgetful(ITEMS), ExactIndex(ITEMS), QUERIES, 3)
    assert share == pytest.approx((2 / 3 + 1) / 2)


def test_padding_is_no_miss():
    assert compute_recall(ExactIndex(ITEMS), ExactIndex(ITEMS), QUERIES, 10) == 1
    assert compute_recall(ExactIndex(ITEMS[:0]), ExactIndex(ITEMS[:0]), QUERIES, 10) == 1


class TestFloor:
    """Of 2,000 items in 24 leaves, one leaf holds too few of the hundred best."""

    items = draw_items(2000)

    def test_enough(self):
        pytest.importorskip("scann", reason=NEEDS_SCANN)
        found = measure_recall(self.items, CONFIG.model_copy(update={"min_recall": 0.5}), self.items[:30])
        assert (found.queries, found.length) == (30, 100)
        assert 0.5 < found.share <= 1

    def test_too_little(self):
        pytest.importorskip("scann", reason=NEEDS_SCANN)
        config = CONFIG.model_copy(update={"leaves_to_search": 1, "min_recall": 0.99})
        with pytest.raises(RecallError) as error:
            measure_recall(self.items, config, self.items[:30])
        message = str(error.value)
        assert message.startswith("index=scann: expected recall@100 of at least 0.99, found 0.")
        assert message.endswith(
            " for 30 queries. Remedy: search more of the leaves (index.leaves_to_search; 1 of 24 now), or "
            "index=exact"
        )
