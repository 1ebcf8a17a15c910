"""Reranking: order by ranking score, ties in retrieval order, k of each query."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from inference.rerank import rerank
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.rows import RankingRows

NONE = -np.inf
CANDIDATES = Candidates(
    items=np.array([[4, 7, 2], [9, 1, -1]], np.int32),
    scores=np.array([[3.0, 2.0, 1.0], [8.0, 6.0, NONE]], np.float32),
)
QUERY = np.array([0, 0, 0, 1, 1])
ITEM = np.array([4, 7, 2, 9, 1], np.int32)


@dataclass
class GivenScores:
    """A ranker whose scores are known."""

    scores: list[float]

    def score(self, rows: RankingRows) -> np.ndarray:
        return np.array(self.scores, np.float32)


def rank(scores: list[float], k: int):
    rows = RankingRows(pd.DataFrame({"item": ITEM}), QUERY, ITEM)
    return rerank(CANDIDATES, rows, GivenScores(scores), k)


def test_best_first_within_each_query():
    ranked = rank([0.1, 0.9, 0.5, -2.0, -1.0], 3)
    assert ranked.query.tolist() == [0, 0, 0, 1, 1]
    assert ranked.rank.tolist() == [1, 2, 3, 1, 2]
    assert ranked.item.tolist() == [7, 2, 4, 1, 9]
    assert ranked.retrieval_score.tolist() == [2.0, 1.0, 3.0, 6.0, 8.0]
    np.testing.assert_allclose(ranked.ranking_score, [0.9, 0.5, 0.1, -1.0, -2.0])


def test_keeps_k_of_each_query():
    ranked = rank([0.1, 0.9, 0.5, -2.0, -1.0], 1)
    assert ranked.item.tolist() == [7, 1]
    assert ranked.rank.tolist() == [1, 1]


def test_ties_keep_the_retrieval_order():
    assert rank([0.5, 0.5, 0.7, 1.0, 1.0], 3).item.tolist() == [2, 4, 7, 9, 1]


def test_rows_follow_the_items():
    ranked = rank([0.1, 0.9, 0.5, -2.0, -1.0], 2)
    assert ranked.rows.frame["item"].tolist() == ranked.item.tolist() == ranked.rows.item.tolist()
    assert ranked.rows.query.tolist() == ranked.query.tolist() == [0, 0, 1, 1]


def test_does_not_touch_its_input():
    rank([0.1, 0.9, 0.5, -2.0, -1.0], 2)
    assert CANDIDATES.items.tolist() == [[4, 7, 2], [9, 1, -1]]
