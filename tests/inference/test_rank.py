"""Ranking: order by ranking score or by retrieval, ties in retrieval order, k of each query, chances."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoost

from inference.rank import Ranked, keep_scores, score, show
from tests.training_pipeline.ranking.planted import to_rows
from training_pipeline.ranking.calibration import Calibration
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.logit import Logit
from training_pipeline.ranking.model import Ranker
from training_pipeline.ranking.rows import RankingRows

NONE = -np.inf
CANDIDATES = Candidates(
    items=np.array([[4, 7, 2], [9, 1, -1]], np.int32),
    scores=np.array([[3.0, 2.0, 1.0], [8.0, 6.0, NONE]], np.float32),
)
QUERY = np.array([0, 0, 0, 1, 1])
ITEM = np.array([4, 7, 2, 9, 1], np.int32)
NO_SUM = Logit([], *(np.zeros(0) for _ in range(3)), *(np.zeros((4, 0)) for _ in range(3)))
# A share of a tenth is one chance in a hundred; between the points it would be a line.
CALIBRATION = Calibration(np.log([0.1, 0.3, 0.6]).tolist(), [0.01, 0.2, 0.5])


@dataclass(frozen=True)
class GivenScores(Ranker):
    """A ranker whose scores are known."""

    scores: list[float]

    def score(self, rows: RankingRows) -> np.ndarray:
        return np.array(self.scores, np.float32)


def rank(scores: list[float], k: int) -> Ranked:
    rows = to_rows(pd.DataFrame({"item": ITEM}), QUERY, ITEM)
    scored = score(CANDIDATES, rows, GivenScores(CatBoost(), NO_SUM, scores), CALIBRATION)
    return show(scored, scored.order()[:, :k])


def keep_order(candidates: Candidates, k: int) -> Ranked:
    scored = keep_scores(candidates)
    return show(scored, scored.order()[:, :k])


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


# Logarithms of these are the scores, so that each is a share of its query's sum, which is ten.
SHARES = [1.0, 6.0, 3.0, 1.0, 9.0]


@pytest.mark.parametrize(
    ("k", "chance"), [(3, [0.5, 0.2, 0.01, 0.5, 0.01]), (2, [0.5, 0.2, 0.5, 0.01]), (1, [0.5, 0.5])]
)
def test_chances_come_from_the_share_among_all_candidates_however_many_are_kept(k, chance):
    ranked = rank(np.log(SHARES).tolist(), k)
    assert ranked.chance.dtype == np.float32
    np.testing.assert_allclose(ranked.chance, chance, rtol=1e-5)


class TestWithoutRanker:
    def test_the_retrieval_order_is_kept(self):
        kept = keep_order(CANDIDATES, 3)
        assert kept.query.tolist() == [0, 0, 0, 1, 1]
        assert kept.rank.tolist() == [1, 2, 3, 1, 2]
        assert kept.item.tolist() == [4, 7, 2, 9, 1]
        assert kept.retrieval_score.tolist() == [3.0, 2.0, 1.0, 8.0, 6.0]

    def test_keeps_k_of_each_query(self):
        kept = keep_order(CANDIDATES, 1)
        assert (kept.query.tolist(), kept.item.tolist(), kept.rank.tolist()) == ([0, 1], [4, 9], [1, 1])

    def test_ties_keep_the_order_of_the_index(self):
        items = np.array([[5, 3, 8]], np.int32)
        tied = Candidates(items, np.array([[1.0, 1.0, 1.0]], np.float32))
        assert keep_order(tied, 3).item.tolist() == [5, 3, 8]

    def test_ranks_by_the_retrieval_score_and_knows_no_chance(self):
        kept = keep_order(CANDIDATES, 3)
        assert kept.ranking_score.tolist() == kept.retrieval_score.tolist()
        assert kept.chance.dtype == np.float32
        assert np.isnan(kept.chance).all()
        assert len(kept.chance) == 5
        assert kept.rows is None

    def test_a_query_with_nothing_left_gets_nothing(self):
        items = np.array([[-1, -1], [6, -1]], np.int32)
        kept = keep_order(Candidates(items, np.array([[NONE, NONE], [1.0, NONE]], np.float32)), 2)
        assert (kept.query.tolist(), kept.item.tolist(), kept.rank.tolist()) == ([1], [6], [1])


def test_does_not_touch_its_input():
    rank([0.1, 0.9, 0.5, -2.0, -1.0], 2)
    assert CANDIDATES.items.tolist() == [[4, 7, 2], [9, 1, -1]]
