"""Known answers of the area under the curve."""

import numpy as np
import pytest

from feature_pipeline.audit.auc import compute_auc, compute_query_auc, ignore_direction


class TestComputeAuc:
    @pytest.mark.parametrize(
        ("scores", "expected"),
        [
            # Pairs of positive and negative: (3, 1), (3, 2), (2, 1), (2, 2): three wins and a tie.
            ([3, 2, 1, 2], 3.5 / 4),
            ([1, 1, 0, 0], 1),
            ([0, 0, 1, 1], 0),
            ([5, 5, 5, 5], 0.5),
            # What is missing scores below everything: (1, nan), (1, 0), (nan, nan), (nan, 0).
            ([1, np.nan, np.nan, 0], 2.5 / 4),
        ],
    )
    def test_by_hand(self, scores: list[float], expected: float):
        is_positive = np.array([True, True, False, False])
        assert compute_auc(np.array(scores, float), is_positive) == expected


class TestComputeQueryAuc:
    def test_by_hand(self):
        scores = np.array([[3.0, 1.0, 3.0], [0.0, 9.0, 7.0]])
        is_there = np.array([[True, True, True], [True, True, False]])
        # A win and a tie in the first query, a loss in the second.
        assert compute_query_auc(scores, is_there) == 1.5 / 3

    def test_what_is_the_same_for_all_candidates_tells_nothing(self):
        scores = np.repeat([[1.0], [2.0], [np.nan]], 4, axis=1)
        assert compute_query_auc(scores, np.ones((3, 4), bool)) == 0.5


def test_direction():
    assert ignore_direction(0.2) == ignore_direction(0.8) == 0.8
