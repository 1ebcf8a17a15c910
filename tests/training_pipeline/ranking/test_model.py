"""The ranker finds a planted rule that the retrieval order does not know."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_pipeline.errors import UserError
from tests.training_pipeline.invented import make_ranker
from tests.training_pipeline.ranking.planted import NUM_CANDIDATES, make_rows, make_rows_with_vectors, to_rows
from training_pipeline.ranking import model
from training_pipeline.ranking.model import Ranker, _draw_negatives, fit_ranker
from training_pipeline.ranking.rows import RankingRows

LOSSES = ["QuerySoftMax", "YetiRank", "Logloss"]


def fit(rows: RankingRows, chosen: np.ndarray, seed: int = 0, **changes: Any) -> Ranker:
    """Every fifth query is held out."""
    held_out = np.arange(rows.query[-1] + 1) % 5 == 0
    return fit_ranker(rows, chosen, held_out, make_ranker(**changes), seed, threads=1)


def fit_on_all(rows: RankingRows, chosen: np.ndarray, **changes: Any) -> Ranker:
    nothing = np.zeros(rows.query[-1] + 1, bool)
    return fit_ranker(rows, chosen, nothing, make_ranker(**changes), seed=0, threads=1)


def count_right(ranker: Ranker, rows: RankingRows, chosen: np.ndarray) -> float:
    """Share of queries whose chosen candidate has the highest score."""
    best, right = (v.reshape(-1, NUM_CANDIDATES).argmax(axis=1) for v in (ranker.score(rows), chosen))
    return float(np.mean(best == right))


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return fit(*make_rows(60, seed=0))


@pytest.mark.parametrize("loss", LOSSES)
def test_planted_rule_is_learned_for_queries_never_seen(loss: str) -> None:
    ranker = fit(*make_rows(60, seed=0), loss=loss)
    rows, chosen = make_rows(40, seed=1)
    assert count_right(ranker, rows, chosen) > 0.95
    assert np.mean(chosen[rows.frame["retrieval_rank"] == 0]) < 0.3  # what the retrieval order gets right


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
    assert ranker.count_bytes() == (tmp_path / "ranker.cbm").stat().st_size > 0


def test_no_rows_have_no_scores(ranker: Ranker) -> None:
    nothing = make_rows(1, seed=0)[0].take(np.array([], int))
    assert ranker.score(nothing).shape == (0,)
    assert ranker.explain(nothing).shape == (0, 5)


@pytest.mark.parametrize("rows_at_once", [1, 7, 100, 1000])
def test_scores_of_blocks_are_those_of_all(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, chosen = make_rows_with_vectors(10, seed=0)
    ranker = fit_on_all(rows, chosen, iterations=10)
    whole = ranker.score(rows)
    monkeypatch.setattr(model, "_ROWS_AT_ONCE", rows_at_once)
    np.testing.assert_array_equal(ranker.score(rows), whole)
    assert len(np.unique(whole)) > 3


def test_the_same_seed_gives_the_same_ranker() -> None:
    rows, chosen = make_rows(30, seed=0)
    scores = [fit(rows, chosen, seed, iterations=10).score(rows) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_equal_weights_change_nothing() -> None:
    rows, chosen = make_rows(30, seed=0)
    nothing = np.zeros(30, bool)
    plain, weighed = (
        fit_ranker(rows, chosen, nothing, make_ranker(iterations=10), 0, 1, weights).score(rows)
        for weights in (None, np.ones(len(chosen), np.float32))
    )
    np.testing.assert_array_equal(plain, weighed)


@pytest.mark.parametrize("loss", ["QuerySoftMax", "Logloss"])
def test_what_was_left_is_always_among_the_negatives_and_sinks(loss: str) -> None:
    """Those met twice are left; with a single negative drawn, they would seldom be met by chance."""
    rows, chosen = make_rows(60, seed=0)
    left = rows.columns["pair_times_met"] == 2
    weights = np.where(left, np.float32(2), np.float32(1))
    nothing = np.zeros(60, bool)
    config = make_ranker(loss=loss, negatives=1, iterations=30)
    drawn, told = (
        fit_ranker(rows, chosen, nothing, config, 0, 1, given).score(rows) for given in (None, weights)
    )
    gaps = [scores[chosen].mean() - scores[left].mean() for scores in (drawn, told)]
    assert gaps[1] > gaps[0]


def test_choices_that_teach_little_give_way() -> None:
    """Half of the queries choose what was met nine times, half what was never met."""
    rows, often = make_rows(60, seed=0)
    never = rows.columns["pair_times_met"] == 0
    chosen = np.where(rows.query < 30, often, never)
    nothing = np.zeros(60, bool)
    for of_often, of_never in ((1.0, 0.2), (0.2, 1.0)):
        weights = np.where(chosen & often, of_often, np.where(chosen & never, of_never, 1.0))
        ranker = fit_ranker(
            rows, chosen, nothing, make_ranker(iterations=30), 0, 1, weights.astype(np.float32)
        )
        scores = ranker.score(rows)
        assert (scores[often].mean() > scores[never].mean()) == (of_often > of_never)


def test_queries_without_a_chosen_candidate_do_not_train() -> None:
    rows, chosen = make_rows(30, seed=0)
    idle = rows.query % 3 == 1
    chosen = chosen & ~idle
    nonsense = rows.frame.copy()
    nonsense.loc[idle, "pair_times_met"] = np.float32(-1e6)
    nonsense.loc[idle, "shape"] = "triangle"

    changed = fit(to_rows(nonsense, rows.query, rows.item), chosen, iterations=10)
    np.testing.assert_array_equal(changed.score(rows), fit(rows, chosen, iterations=10).score(rows))


def test_rows_may_be_without_categories() -> None:
    rows, chosen = make_rows(30, seed=0)
    plain = to_rows(rows.frame.drop(columns="shape"), rows.query, rows.item)
    scores = fit(plain, chosen, iterations=10).score(plain)
    assert scores[chosen].mean() > scores[~chosen].mean()


class TestHeldOut:
    def test_where_it_says_otherwise_training_stops_at_once(self) -> None:
        rows, chosen = make_rows(40, seed=0)
        apart = np.isin(np.arange(40), [1, 2, 3, 17, 30])
        _, never_met = make_rows(40, seed=0, right=0)
        for is_contrary, stops in ((False, False), (True, True)):
            labels = np.where(apart[rows.query] & is_contrary, never_met, chosen)
            ranker = fit_ranker(rows, labels, apart, make_ranker(), seed=0, threads=1)
            assert (ranker.read_losses().argmin() == 0) == stops
            assert (ranker.model.tree_count_ < 60) == stops

    def test_without_any_all_trees_are_kept(self) -> None:
        rows, chosen = make_rows(10, seed=0)
        assert fit_on_all(rows, chosen, iterations=7).model.tree_count_ == 7


class TestSettings:
    def test_without_a_number_of_negatives_all_train(self) -> None:
        rows, chosen = make_rows(30, seed=0)
        every, as_many, two = (
            fit_on_all(rows, chosen, negatives=count, iterations=10).score(rows) for count in (None, 9, 2)
        )
        np.testing.assert_array_equal(every, as_many)
        assert not np.array_equal(every, two)

    @pytest.mark.parametrize("borders", [1, 3])
    def test_no_number_has_more_thresholds_than_borders(self, borders: int) -> None:
        rows, chosen = make_rows(30, seed=0, right=4)
        tried = [
            max(len(found) for found in fit_on_all(rows, chosen, borders=count).model.get_borders().values())
            for count in (borders, 254)
        ]
        assert tried[0] == borders < tried[1]

    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize("sign", [1, -1])
    def test_scores_follow_a_column_that_must_be_monotone(self, loss: str, sign: int) -> None:
        """The rule is not: the candidate met five times is chosen."""
        rows, chosen = make_rows(60, seed=0, right=5)
        free, bound = (
            sign * self.list_steps(fit_on_all(rows, chosen, loss=loss, monotone=monotone), rows)
            for monotone in ({}, {"pair_times_met": sign})
        )
        assert free.min() < -0.1
        assert bound.min() >= 0
        assert bound.max() > 0.1

    def list_steps(self, ranker: Ranker, rows: RankingRows) -> np.ndarray:
        """How the score changes with each further time that the item was met, all else equal."""
        scores = []
        for times in range(NUM_CANDIDATES):
            frame = rows.frame.assign(pair_times_met=np.float32(times))
            scores.append(ranker.score(to_rows(frame, rows.query, rows.item)))
        return np.diff(scores, axis=0)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("pair_times_mt", "unknown key 'pair_times_mt', did you mean 'pair_times_met'?"),
            ("shape", "unknown key 'shape'. Choices: retrieval_score, retrieval_rank, pair_times_met, age"),
        ],
    )
    def test_what_must_be_monotone_is_a_numeric_column(self, name: str, message: str) -> None:
        with pytest.raises(UserError) as error:
            fit(*make_rows(10, seed=0), monotone={"age": 1, name: 1})
        assert str(error.value).startswith(f"ranker.monotone: {message}")


class TestVectors:
    @pytest.mark.parametrize("loss", LOSSES)
    def test_a_rule_of_the_embedding_space_is_learned_for_items_never_seen(self, loss: str) -> None:
        rows, chosen = make_rows_with_vectors(60, seed=0)
        fresh, picked = make_rows_with_vectors(60, seed=1)
        assert not set(rows.item) & set(fresh.item)
        assert count_right(fit_on_all(rows, chosen, loss=loss), fresh, picked) > 0.8
        blind, blindfold = (RankingRows(r.columns, r.query, r.item) for r in (rows, fresh))
        assert count_right(fit_on_all(blind, chosen, loss=loss), blindfold, picked) < 0.3

    def test_effects_have_a_column_behind_the_others(self) -> None:
        rows, chosen = make_rows_with_vectors(30, seed=0)
        ranker = fit_on_all(rows, chosen)
        effects = ranker.explain(rows)
        assert ranker.model.feature_names_ == ["retrieval_rank", "item_embedding"]
        assert effects.shape == (300, 2)
        assert np.abs(effects[:, 1]).mean() > 3 * np.abs(effects[:, 0]).mean()


@pytest.mark.parametrize("held_out", [False, True], ids=["nowhere", "in held-out queries only"])
def test_nothing_chosen_is_an_error(held_out: bool) -> None:
    rows, chosen = make_rows(4, seed=0)
    apart = np.array([True, False, False, False])
    chosen = chosen & held_out & apart[rows.query]
    with pytest.raises(UserError, match=r"nothing to learn from\. Remedy: raise ranker\.candidates"):
        fit_ranker(rows, chosen, apart, make_ranker(), seed=0, threads=1)


def test_rows_that_are_all_alike_are_an_error() -> None:
    rows, chosen = make_rows(4, seed=0)
    alike = to_rows(rows.frame.iloc[[0] * len(rows.frame)].reset_index(drop=True), rows.query, rows.item)
    with pytest.raises(UserError, match=r"cannot learn from \d+ rows: .*constant.*Remedy: give more events"):
        fit(alike, chosen, iterations=5)


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
