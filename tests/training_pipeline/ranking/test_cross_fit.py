"""What a ranker says of queries it has not seen: a planted rule shows, and chance does not."""

from typing import Any

import numpy as np
import pytest

from feature_pipeline.errors import UserError
from tests.training_pipeline.invented import make_ranker
from tests.training_pipeline.ranking.planted import NUM_CANDIDATES, lay_out, make_rows
from training_pipeline.evaluation.metrics import compute_metrics
from training_pipeline.evaluation.significance import Difference, compare_with_each
from training_pipeline.ranking.cross_fit import CrossFitted, _choose_trees, _divide, cross_fit
from training_pipeline.ranking.model import fit_ranker
from training_pipeline.ranking.rows import RankingRows


def fit(rows: RankingRows, chosen: np.ndarray, seed: int = 0, **changes: Any) -> CrossFitted:
    candidates = lay_out(rows.query[-1] + 1)
    return cross_fit(rows, chosen, candidates, make_ranker(**changes), seed, threads=1)


def find_gain(scores: np.ndarray, chosen: np.ndarray) -> Difference:
    """NDCG@10 of the scores less that of the retrieval order; one candidate of each query is chosen."""
    chosen = chosen.reshape(scores.shape)
    own = scores[chosen][:, None]
    ranks = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    ranked, retrieved = (
        compute_metrics(found.astype(float), np.arange(len(scores) + 1))["NDCG@10"]
        for found in (ranks, chosen.argmax(axis=1))
    )
    (gain,) = compare_with_each("ranker", ranked, {"retrieval": retrieved}, seed=0)
    return gain


@pytest.mark.parametrize("loss", ["QuerySoftMax", "YetiRank", "Logloss"])
def test_a_planted_rule_is_a_gain(loss: str) -> None:
    rows, chosen = make_rows(60, seed=0)
    gain = find_gain(fit(rows, chosen, loss=loss).scores, chosen)
    assert gain.low > 0.3
    assert gain.p_value < 1e-6


class TestChance:
    """Eight draws together: of forty single intervals one lies above zero by chance alone."""

    def test_shuffled_labels_give_no_gain(self) -> None:
        told, learned, labels = [], [], []
        for seed in range(8):
            rows, _ = make_rows(300, seed)
            shuffled = np.random.default_rng(100 + seed).permuted(lay_out(300) == 0, axis=1)
            found = fit(rows, shuffled.ravel(), seed)
            told.append(found.scores)
            learned.append(found.ranker.score(rows).reshape(shuffled.shape))
            labels.append(shuffled)
        assert find_gain(np.concatenate(told), np.concatenate(labels)).low <= 0
        # On what a ranker was fitted to, chance looks like a gain.
        assert find_gain(np.concatenate(learned), np.concatenate(labels)).low > 0

    def test_an_order_that_says_all_there_is_cannot_be_bettered(self) -> None:
        """Choices drawn by the place at which the candidate was retrieved."""
        told, labels = [], []
        for seed in range(8):
            rows, _ = make_rows(100, seed)
            noise = np.random.default_rng(100 + seed).gumbel(size=(100, NUM_CANDIDATES))
            best = (noise - 0.5 * np.arange(NUM_CANDIDATES)).argmax(axis=1)
            labels.append(lay_out(100) == best[:, None])
            told.append(fit(rows, labels[-1].ravel(), seed).scores)
        assert find_gain(np.concatenate(told), np.concatenate(labels)).low <= 0


def test_queries_that_wait_for_the_same_choice_are_left_out_together() -> None:
    """The second half asks what the first does: its labels, too, are hidden from the first's scores."""
    rows, chosen = make_rows(30, seed=0)
    turned, own = chosen.copy(), rows.query == 22
    turned[own] = rows.frame["pair_times_met"][own] == 0
    moved = []
    for same in (np.tile(np.arange(15), 2), None):
        config = make_ranker(iterations=1, negatives=None)
        before, after = (
            cross_fit(rows, labels, lay_out(30), config, 0, threads=1, same=same).scores
            for labels in (chosen, turned)
        )
        moved.append((before != after).any(axis=1))
    assert not moved[0][[7, 22]].any()
    assert moved[1][7]
    assert not moved[1][22]


def test_a_querys_own_labels_do_not_change_its_scores() -> None:
    """With one tree there is none to be stopped at; the fold of the query alone never sees it."""
    rows, chosen = make_rows(30, seed=0)
    turned = chosen.copy()
    own = rows.query == 7
    turned[own] = rows.frame["pair_times_met"][own] == 0
    before, after = (fit(rows, labels, iterations=1, negatives=None).scores for labels in (chosen, turned))

    same = (before == after).all(axis=1)
    assert same[7]
    # Its own fold, and no other.
    assert same.sum() == 10
    out = _divide(np.arange(30), 30, 3, seed=0)
    np.testing.assert_array_equal(same, out == out[7])


def test_scores_are_those_of_rankers_that_leave_a_fold_out() -> None:
    rows, chosen = make_rows(21, seed=0)
    found = fit(rows, chosen, seed=4)
    fold = _divide(np.arange(21), 21, 3, seed=4)
    for number in range(3):
        ranker = fit_ranker(rows, chosen, fold == number, make_ranker(), seed=4, threads=1)
        ranker.cut(found.ranker.model.tree_count_)
        scores = ranker.score(rows).reshape(found.scores.shape)
        np.testing.assert_array_equal(found.scores[fold == number], scores[fold == number])
        assert not np.array_equal(found.scores[fold != number], scores[fold != number])


def test_every_candidate_has_a_score_and_padding_none() -> None:
    """Query 1 has no chosen candidate, query 2 no candidate at all."""
    rows, chosen = make_rows(6, seed=0)
    candidates = lay_out(6)
    candidates[0, 6:] = candidates[2] = -1
    kept = np.flatnonzero(candidates.ravel() >= 0)
    chosen = (chosen & (rows.query != 1))[kept]
    found = cross_fit(rows.take(kept), chosen, candidates, make_ranker(), seed=0, threads=1)
    np.testing.assert_array_equal(np.isfinite(found.scores), candidates >= 0)
    assert np.isneginf(found.scores[candidates < 0]).all()
    assert found.scores.dtype == np.float32


def test_one_number_of_trees_is_chosen_by_the_mean_loss_over_the_folds() -> None:
    """Fold by fold 3, 1 and 2 trees would be best; the third fold was stopped after 3."""
    losses = [np.array([4.0, 3, 2, 2.5]), np.array([1.0, 1.4, 5, 0]), np.array([2.0, 1, 3])]
    assert _choose_trees(losses) == 2


def test_the_ranker_learns_from_all_queries_with_as_many_trees() -> None:
    rows, chosen = make_rows(40, seed=1)
    # Every third query goes against the rule, so that more trees do not go on getting better.
    chosen = np.where(rows.query % 3 == 0, make_rows(40, seed=1, right=0)[1], chosen)
    found = fit(rows, chosen, patience=5)
    trees = found.ranker.model.tree_count_
    assert 1 < trees < 60

    nothing = np.zeros(40, bool)
    whole = fit_ranker(rows, chosen, nothing, make_ranker(iterations=trees), seed=0, threads=1)
    np.testing.assert_array_equal(found.ranker.score(rows), whole.score(rows))


def test_the_same_seed_gives_the_same_and_another_other_folds() -> None:
    rows, chosen = make_rows(20, seed=0)
    scores = [fit(rows, chosen, seed, iterations=5).scores for seed in (0, 0, 1)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


@pytest.mark.parametrize(("useful", "folds"), [(2, 2), (3, 3), (7, 5)])
def test_there_are_as_many_folds_as_useful_queries_at_most(useful: int, folds: int) -> None:
    rows, chosen = make_rows(12, seed=0)
    found = fit(rows, chosen & (rows.query < useful), folds=5, iterations=3)
    assert len(set(_divide(np.arange(useful), 12, 5, seed=0))) == folds
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("useful", [0, 1])
def test_fewer_than_two_useful_queries_are_an_error(useful: int) -> None:
    rows, chosen = make_rows(12, seed=0)
    with pytest.raises(UserError, match=rf"^{useful} of 12 queries .*Remedy: raise ranker\.candidates"):
        fit(rows, chosen & (rows.query < useful))


@pytest.mark.parametrize("folds", [2, 3, 8])
def test_folds_share_useful_queries_and_others_alike(folds: int) -> None:
    useful = np.array([0, 3, 4, 8, 9, 11, 15, 20, 21])
    fold = _divide(useful, 25, folds, seed=0)
    assert fold.shape == (25,)
    for group in (fold[useful], np.delete(fold, useful)):
        sizes = np.bincount(group, minlength=folds)
        assert len(sizes) == folds
        assert np.ptp(sizes) <= 1
