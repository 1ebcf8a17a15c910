"""The ranker finds a planted rule that the retrieval order does not know."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.errors import UserError
from tests.training_pipeline.invented import make_ranker
from training_pipeline.ranking.model import Ranker, _draw_negatives, fit_ranker, split_queries
from training_pipeline.ranking.rows import RankingRows

NUM_CANDIDATES = 10


def make_rows(num_queries: int, seed: int) -> tuple[RankingRows, np.ndarray]:
    """Queries whose chosen item is the one met most often, whatever place it was retrieved at."""
    rng = np.random.default_rng(seed)
    times_met = np.array([rng.permutation(NUM_CANDIDATES) for _ in range(num_queries)])
    place = np.tile(np.arange(NUM_CANDIDATES), num_queries)
    frame = pd.DataFrame(
        {
            "retrieval_score": (1 - place / NUM_CANDIDATES).astype(np.float32),
            "retrieval_rank": place.astype(np.float32),
            "pair_times_met": times_met.ravel().astype(np.float32),
            "age": np.where(place % 3, np.float32(np.nan), np.float32(40)),
            "shape": rng.choice(["round", "square", ""], len(place)),
        }
    )
    query = np.repeat(np.arange(num_queries), NUM_CANDIDATES)
    return RankingRows(frame, query, place.astype(np.int32)), (times_met == NUM_CANDIDATES - 1).ravel()


def fit(rows: RankingRows, chosen: np.ndarray, seed: int = 0, **changes: Any) -> Ranker:
    held_out = split_queries(rows.query[-1] + 1, seed)
    return fit_ranker(rows, chosen, held_out, make_ranker(**changes), seed, threads=1)


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return fit(*make_rows(60, seed=0))


@pytest.mark.parametrize("loss", ["QuerySoftMax", "YetiRank"])
def test_planted_rule_is_learned_for_queries_never_seen(loss: str) -> None:
    ranker = fit(*make_rows(60, seed=0), loss=loss)
    rows, chosen = make_rows(40, seed=1)
    best = ranker.score(rows).reshape(40, NUM_CANDIDATES).argmax(axis=1)
    right = chosen.reshape(40, NUM_CANDIDATES).argmax(axis=1)
    assert np.mean(best == right) > 0.95
    assert np.mean(right == 0) < 0.3  # what the retrieval order gets right


def test_scores_lie_like_the_candidates(ranker: Ranker) -> None:
    rows, _ = make_rows(2, seed=1)
    candidates = np.array([[4, 2, 9, -1], [3, -1, -1, -1]], np.int32)
    few = rows.take(np.array([0, 1, 2, 10]))

    laid_out = ranker.score_candidates(few, candidates)
    scores = ranker.score(few)
    np.testing.assert_array_equal(laid_out[0], [*scores[:3], -np.inf])
    np.testing.assert_array_equal(laid_out[1], [scores[3], -np.inf, -np.inf, -np.inf])
    assert laid_out.dtype == np.float32


def test_effects_of_the_columns_add_up_to_the_score(ranker: Ranker) -> None:
    rows, _ = make_rows(20, seed=1)
    effects, scores = ranker.explain(rows), ranker.score(rows)

    assert effects.shape == rows.frame.shape
    expected_value = scores - effects.sum(axis=1)
    np.testing.assert_allclose(expected_value, expected_value[0], atol=1e-4)
    assert list(rows.frame.columns)[np.abs(effects).sum(axis=0).argmax()] == "pair_times_met"


def test_saved_ranker_scores_the_same(ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path / "ranker.cbm")
    loaded = Ranker.load(tmp_path / "ranker.cbm")

    rows, _ = make_rows(20, seed=1)
    np.testing.assert_array_equal(loaded.score(rows), ranker.score(rows))
    np.testing.assert_array_equal(loaded.explain(rows), ranker.explain(rows))


def test_no_rows_have_no_scores(ranker: Ranker) -> None:
    nothing = make_rows(1, seed=0)[0].take(np.array([], int))
    assert ranker.score(nothing).shape == (0,)
    assert ranker.explain(nothing).shape == (0, 5)


def test_the_same_seed_gives_the_same_ranker() -> None:
    rows, chosen = make_rows(30, seed=0)
    scores = [fit(rows, chosen, seed, iterations=10).score(rows) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_queries_without_a_chosen_candidate_do_not_train() -> None:
    rows, chosen = make_rows(30, seed=0)
    idle = rows.query % 3 == 1
    chosen = chosen & ~idle
    nonsense = rows.frame.copy()
    nonsense.loc[idle, "pair_times_met"] = np.float32(-1e6)
    nonsense.loc[idle, "shape"] = "triangle"

    changed = fit(RankingRows(nonsense, rows.query, rows.item), chosen, iterations=10)
    np.testing.assert_array_equal(changed.score(rows), fit(rows, chosen, iterations=10).score(rows))


@pytest.mark.parametrize("held_out", [False, True], ids=["nowhere", "in held-out queries only"])
def test_nothing_chosen_is_an_error(held_out: bool) -> None:
    rows, chosen = make_rows(4, seed=0)
    apart = np.array([True, False, False, False])
    chosen = chosen & held_out & apart[rows.query]
    with pytest.raises(UserError, match=r"nothing to learn from\. Remedy: raise ranker\.candidates"):
        fit_ranker(rows, chosen, apart, make_ranker(), seed=0, threads=1)


def test_without_a_held_out_query_all_trees_are_kept() -> None:
    rows, chosen = make_rows(10, seed=0)
    ranker = fit_ranker(rows, chosen, np.zeros(10, bool), make_ranker(iterations=7), seed=0, threads=1)
    assert ranker.model.tree_count_ == 7


class TestSplitQueries:
    def test_holds_a_fifth_out(self) -> None:
        assert split_queries(50, seed=0).sum() == 10

    def test_is_decided_by_the_seed(self) -> None:
        np.testing.assert_array_equal(split_queries(50, seed=1), split_queries(50, seed=1))
        assert not np.array_equal(split_queries(50, seed=1), split_queries(50, seed=2))


class TestDrawNegatives:
    # Query 0 has one chosen row of six, query 2 two of three, query 3 none of four; query 1 has no rows.
    QUERY = np.array([0] * 6 + [2] * 3 + [3] * 4)
    CHOSEN = np.array([0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0], bool)

    @pytest.mark.parametrize(("count", "expected"), [(1, [1, 1, 1]), (3, [3, 1, 3]), (9, [5, 1, 4])])
    def test_draws_as_many_of_each_query_as_there_are(self, count: int, expected: list[int]) -> None:
        drawn = _draw_negatives(self.QUERY, self.CHOSEN, count, seed=0)
        assert drawn[self.CHOSEN].all()
        negatives = np.bincount(self.QUERY[drawn & ~self.CHOSEN], minlength=4)
        assert negatives[[0, 2, 3]].tolist() == expected

    def test_every_negative_is_as_likely(self) -> None:
        draws = [_draw_negatives(self.QUERY, self.CHOSEN, 2, seed) for seed in range(1000)]
        shares = np.mean(draws, axis=0)[:6]
        # Two of five; three standard deviations of a thousand draws are 0.046.
        np.testing.assert_allclose(shares[[0, 1, 2, 4, 5]], 0.4, atol=0.05)

    def test_no_rows(self) -> None:
        assert _draw_negatives(np.array([], np.int64), np.array([], bool), 2, seed=0).shape == (0,)


def test_rows_that_are_all_alike_are_an_error() -> None:
    rows, chosen = make_rows(4, seed=0)
    alike = RankingRows(rows.frame.iloc[[0] * len(rows.frame)].reset_index(drop=True), rows.query, rows.item)
    with pytest.raises(UserError, match=r"cannot learn from \d+ rows: .*constant.*Remedy: give more events"):
        fit(alike, chosen, iterations=5)
