"""The sum that the ranker starts from: weights that are known come out, whatever stands beside them."""

import json

import numpy as np
import pytest

from training_pipeline.ranking import logit as logit_module
from training_pipeline.ranking.logit import Logit, fit_logit
from training_pipeline.ranking.rows import SECONDS_SINCE, RankingRows

NUM_CANDIDATES = 8


def make(num_queries: int, seed: int = 0) -> RankingRows:
    """Numbers of the candidates, of which one is seldom known, and one of their user."""
    rng = np.random.default_rng(seed)
    rows = num_queries * NUM_CANDIDATES
    near = rng.normal(size=rows)
    columns = {
        "near": near,
        "count": np.exp(rng.normal(3, 1, rows)),
        "seldom": np.where(rng.random(rows) < 0.8, np.nan, rng.normal(size=rows)),
        "age": np.repeat(rng.normal(40, 9, num_queries), NUM_CANDIDATES),
        SECONDS_SINCE: np.repeat(rng.choice([0, 5, 900, 90_000, np.nan], num_queries), NUM_CANDIDATES),
    }
    numbers = {name: values.astype(np.float32) for name, values in columns.items()}
    shape = {"shape": rng.choice(["round", "square"], rows).astype(object)}
    query = np.repeat(np.arange(num_queries), NUM_CANDIDATES)
    return RankingRows(numbers | shape, query, np.arange(rows, dtype=np.int32))


def choose(scores: np.ndarray, seed: int = 1) -> np.ndarray:
    """One candidate a query, with the chances of a conditional logit [num_rows] bool."""
    noisy = scores.reshape(-1, NUM_CANDIDATES) + np.random.default_rng(seed).gumbel(
        size=(len(scores) // NUM_CANDIDATES, NUM_CANDIDATES)
    )
    return (np.arange(NUM_CANDIDATES) == noisy.argmax(axis=1)[:, None]).ravel()


def agree(logit: Logit, rows: RankingRows, scores: np.ndarray) -> float:
    """How well the scores agree with others within their queries: a correlation."""
    pairs = [v.reshape(-1, NUM_CANDIDATES) for v in (logit.score(rows.columns), scores)]
    centred = [(v - v.mean(axis=1, keepdims=True)).ravel() for v in pairs]
    return float(np.corrcoef(*centred)[0, 1])


def add_up(rows: RankingRows) -> np.ndarray:
    """A number as it is, one by its logarithm, and one that is seldom known."""
    near, count, seldom = (rows.columns[name].astype(float) for name in ("near", "count", "seldom"))
    return near - 0.8 * np.log1p(count / 3) + 2 * np.nan_to_num(seldom)


def test_a_sum_is_found_again() -> None:
    rows, fresh = make(3000), make(200, seed=5)
    logit = fit_logit(rows, choose(add_up(rows)), {})
    assert logit.names == ["near", "count", "seldom"]
    assert agree(logit, fresh, add_up(fresh)) > 0.98
    # In size as well: the chances are those of the choices.
    columns = {name: np.zeros(2, np.float32) for name in fresh.numbers}
    columns["near"] = np.array([0, 1], np.float32)
    assert np.diff(logit.score(columns))[0] == pytest.approx(1, abs=0.15)


def rise(logit: Logit, rows: RankingRows, seconds: float) -> float:
    """What one more of what is near adds, so long after the last item."""
    columns = {name: np.zeros(2, np.float32) for name in rows.numbers}
    columns |= {"near": np.array([0, 1], np.float32), SECONDS_SINCE: np.full(2, seconds, np.float32)}
    return float(np.diff(logit.score(columns))[0])


def test_moments_differ_where_choices_do() -> None:
    rows = make(3000)
    at_once = rows.columns[SECONDS_SINCE] < 1
    near = rows.columns["near"].astype(float)
    logit = fit_logit(rows, choose(np.where(at_once, 2 * near, 0)), {})
    assert rise(logit, rows, 0) == rise(logit, rows, 0.9) > 1.5
    assert max(abs(rise(logit, rows, seconds)) for seconds in (1, 5, 900, 90_000, np.nan)) < 0.25


def test_unknown_moments_are_of_their_own_kind() -> None:
    rows = make(3000)
    unknown = np.isnan(rows.columns[SECONDS_SINCE])
    near = rows.columns["near"].astype(float)
    logit = fit_logit(rows, choose(np.where(unknown, 2 * near, 0)), {})
    assert rise(logit, rows, np.nan) > 1.5
    assert max(abs(rise(logit, rows, seconds)) for seconds in (0, 5, 900, 90_000)) < 0.25


class TestWithoutEvidence:
    def test_chance_moves_little(self) -> None:
        rows = make(1000)
        logit = fit_logit(rows, choose(np.zeros(len(rows.query))), {})
        assert np.abs(logit.explain(rows.columns)).mean() < 0.1

    def test_what_is_unknown_adds_nothing(self) -> None:
        rows = make(500)
        logit = fit_logit(rows, choose(rows.columns["near"].astype(float)), {})
        unknown = {name: np.full(3, np.nan, np.float32) for name in rows.numbers}
        assert not logit.explain(unknown).any()
        assert not logit.score(unknown).any()

    def test_beyond_what_was_seen_nothing_changes(self) -> None:
        rows = make(500)
        logit = fit_logit(rows, choose(rows.columns["near"].astype(float)), {})
        numbers = {name: np.zeros(2, np.float32) for name in rows.numbers}
        far = numbers | {"near": np.array([rows.columns["near"].max(), 1e30], np.float32)}
        assert np.diff(logit.score(far)) == 0

    def test_categories_alone_have_no_sum(self) -> None:
        rows = make(20)
        alone = RankingRows({"shape": rows.columns["shape"]}, rows.query, rows.item)
        logit = fit_logit(alone, choose(np.zeros(len(rows.query))), {})
        assert logit.names == []
        np.testing.assert_array_equal(logit.score(alone.columns), np.zeros(len(rows.query)))


@pytest.mark.parametrize("sign", [1, -1])
def test_monotone_columns_never_turn(sign: int) -> None:
    rows = make(500)
    count = rows.columns["count"].astype(float)
    choices = choose(-sign * np.log1p(count))
    steps = {name: np.zeros(50, np.float32) for name in rows.numbers}
    steps["count"] = np.geomspace(count.min(), count.max(), 50).astype(np.float32)
    free, bound = (np.diff(fit_logit(rows, choices, m).score(steps)) for m in ({}, {"count": sign}))
    assert (sign * free).min() < -0.01
    assert (sign * bound).min() >= -1e-12


def test_several_choices_of_a_query_count_each() -> None:
    """Queries may have several right answers, or as many candidates as they like."""
    rows = make(600)
    near = rows.columns["near"]
    kept = np.flatnonzero(np.random.default_rng(2).random(len(near)) < 0.7)
    logit = fit_logit(rows.take(kept), near[kept] > 0.8, {})
    assert agree(logit, rows, near) > 0.95


def test_scores_are_the_same_to_the_last_bit_however_many_rows_there_are() -> None:
    rows = make(100)
    logit = fit_logit(rows, choose(rows.columns["near"].astype(float)), {})
    whole = logit.score(rows.columns)
    for size in (1, 2, 3, 7, 64):
        parts = [rows.take(np.arange(start, min(start + size, 800))) for start in range(0, 800, size)]
        np.testing.assert_array_equal(np.concatenate([logit.score(part.columns) for part in parts]), whole)
    assert len(np.unique(whole)) > 700


def test_blocks_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = make(100)
    logit = fit_logit(rows, choose(rows.columns["near"].astype(float)), {})
    whole = logit.score(rows.columns)
    monkeypatch.setattr(logit_module, "_ROWS_AT_ONCE", 33)
    np.testing.assert_array_equal(logit.score(rows.columns), whole)
    assert logit.score({name: values[:0] for name, values in rows.columns.items()}).shape == (0,)


def test_survives_json() -> None:
    rows = make(100)
    logit = fit_logit(rows, choose(rows.columns["near"].astype(float)), {})
    again = Logit.from_json(json.loads(json.dumps(logit.to_json())))
    np.testing.assert_array_equal(again.explain(rows.columns), logit.explain(rows.columns))


def test_a_row_that_teaches_twice_is_as_good_as_two() -> None:
    rows = make(300)
    chosen = choose(add_up(rows))
    taught = np.where(np.arange(len(chosen)) % 3 == 0, 2, 1)
    twice = np.repeat(np.arange(len(chosen)), taught)
    weighed = fit_logit(rows, chosen, {}, taught)
    repeated = fit_logit(rows.take(twice), chosen[twice], {})
    # The middles and units, which rest on the rows as they stand, differ a little; the order does not.
    assert agree(weighed, rows, repeated.score(rows.columns)) > 0.999
    assert agree(weighed, rows, fit_logit(rows, chosen, {}).score(rows.columns)) < 0.9999
