"""What the ranker reads of the linear models is what these models say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from feature_pipeline.schema import FeatureSpec
from tests.tiny_store import NUM_ITEMS
from training_pipeline.evaluation.baselines.baseline import count_pairs
from training_pipeline.linear import signals
from training_pipeline.linear.ease import EASE
from training_pipeline.linear.precedence import fit_precedence
from training_pipeline.linear.signals import (
    LENGTH,
    Signal,
    fit_signals,
    fit_slit,
    pick_scores,
    read_signals,
    score_signals,
    write_signals,
)
from training_pipeline.linear.slit import SLIT
from training_pipeline.prepare import Prepared


@pytest.fixture(scope="module")
def fitted(prepared: Prepared) -> dict[str, Signal]:
    return {signal.name: signal for signal in fit_signals(prepared.learned_events, prepared.tables)}


def draw_histories(num_queries: int, longest: int, num_items: int = NUM_ITEMS) -> np.ndarray:
    """Different items each, from none up to the longest; none for the first query."""
    rng = np.random.default_rng(0)
    histories = np.full((num_queries, LENGTH), -1)
    for query, length in enumerate(np.linspace(0, longest, num_queries).astype(int)):
        histories[query, LENGTH - length :] = rng.permutation(num_items)[:length]
    return histories


def draw_candidates(num_queries: int, count: int, num_items: int = NUM_ITEMS) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.array([rng.permutation(num_items)[:count] for _ in range(num_queries)])


class TestFit:
    def test_gives_numeric_columns_of_pairs(self, fitted: dict[str, Signal]) -> None:
        ease = [f"pair_ease_last{last}" for last in (1, 3, 10, 50)]
        after = [f"pair_after_last{last}" for last in (1, 3, 10)]
        assert list(fitted) == ["pair_ease", *ease, "pair_slit", *after]
        for name, signal in fitted.items():
            assert replace(signal.spec, reason=None) == FeatureSpec(name, "pair", "numeric")
            # Order is no reason that a person would understand.
            assert bool(signal.spec.reason) == (name not in after)
            assert (signal.weights.shape, signal.weights.dtype) == ((NUM_ITEMS, NUM_ITEMS), np.float32)
            assert (signal.places.shape, signal.places.dtype) == ((LENGTH,), np.float32)

    def test_reads_what_is_learned(self, prepared: Prepared, fitted: dict[str, Signal]) -> None:
        ease = EASE().fit(prepared.build_matrix())
        np.testing.assert_array_equal(fitted["pair_ease"].weights, ease.weights)
        events = prepared.learned_events.sort_values("event_time")
        user, item = (events[name].str[-2:].astype(int).to_numpy() for name in ("user_id", "item_id"))
        np.testing.assert_array_equal(fitted["pair_slit"].weights, SLIT().fit(user, item, NUM_ITEMS).weights)
        precedence = fit_precedence(user, item, NUM_ITEMS)
        np.testing.assert_array_equal(fitted["pair_after_last3"].weights, precedence)

    def test_columns_of_the_last_items_are_their_mean(self, fitted: dict[str, Signal]) -> None:
        for kind, last in (("ease", 3), ("ease", 50), ("after", 10)):
            places = fitted[f"pair_{kind}_last{last}"].places
            np.testing.assert_allclose(places[-last:], 1 / last)
            assert not places[:-last].any()

    def test_large_catalogues_have_none(self, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(signals, "MAX_ITEMS", NUM_ITEMS)
        assert len(fit_signals(prepared.learned_events, prepared.tables)) == 9
        monkeypatch.setattr(signals, "MAX_ITEMS", NUM_ITEMS - 1)
        assert fit_signals(prepared.learned_events, prepared.tables) == []

    def test_slit_follows_time_and_then_the_order_of_the_source(self, prepared: Prepared) -> None:
        events = prepared.learned_events
        # Two events of a moment each.
        events = events.assign(event_time=events["event_time"].to_numpy()[np.arange(len(events)) // 2 * 2])
        events = events.assign(event_order=np.arange(len(events)))
        expected = fit_slit(events, prepared.tables).weights
        shuffled = events.sample(frac=1, random_state=0)
        np.testing.assert_array_equal(fit_slit(shuffled, prepared.tables).weights, expected)
        turned = events.assign(event_order=-events["event_order"])
        assert not np.array_equal(fit_slit(turned, prepared.tables).weights, expected)


def score(signal: Signal, histories: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """What one signal makes of candidates."""
    return pick(score_signals([signal], histories)[signal.name], candidates)


def pick(scores: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The scores of candidates, NaN where there is none."""
    query, place = np.nonzero(candidates >= 0)
    picked = np.full(candidates.shape, np.nan, np.float32)
    picked[query, place] = pick_scores(scores, query, candidates[query, place])
    return picked


class TestScore:
    HISTORIES = draw_histories(12, longest=NUM_ITEMS)
    CANDIDATES = draw_candidates(12, count=15)

    def test_by_hand(self) -> None:
        # Items 0 and 2, the latter counting twice the former: for item 1 1/2 * 2 + 4, for item 0 1/2 * 8 - 1.
        weights = np.array([[8, 2, 0], [9, 9, 9], [-1, 4, 0]], np.float32)
        signal = Signal("s", weights, np.array([7, 0, 0.5, 1], np.float32))
        histories = np.array([[-1, 1, 0, 2], [-1] * 4])
        scores = score(signal, histories, np.array([[1, 0], [1, 0]]))
        np.testing.assert_array_equal(scores, [[5, 3], [np.nan, np.nan]])
        assert scores.dtype == np.float32

    def test_of_ease_is_its_own(self, prepared: Prepared, fitted: dict[str, Signal]) -> None:
        query, place = np.nonzero(self.HISTORIES >= 0)
        sparse = count_pairs(query, self.HISTORIES[query, place], (12, NUM_ITEMS))
        scores = EASE().fit(prepared.build_matrix()).score(sparse)
        self.check(fitted["pair_ease"], scores)

    def test_of_slit_is_its_own(self, prepared: Prepared, fitted: dict[str, Signal]) -> None:
        slit = fit_slit(prepared.learned_events, prepared.tables)
        self.check(fitted["pair_slit"], slit.score(self.HISTORIES))

    def check(self, signal: Signal, scores: np.ndarray) -> None:
        """All but the first query have a history."""
        found = score(signal, self.HISTORIES, self.CANDIDATES)
        expected = np.take_along_axis(scores, self.CANDIDATES, axis=1)
        assert np.isnan(found[0]).all()
        np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-4, atol=1e-6)
        assert np.unique(found[1:].round(6)).size > 100

    @pytest.mark.parametrize("queries_at_once", [1, 5])
    @pytest.mark.parametrize("candidates_at_once", [1, 2, 3, 7, 40])
    def test_is_the_same_to_the_last_bit_however_it_is_asked_for(
        self, queries_at_once: int, candidates_at_once: int
    ) -> None:
        rng = np.random.default_rng(2)
        weights = rng.normal(size=(600, 600)).astype(np.float32)
        signal = Signal("s", weights, rng.random(LENGTH).astype(np.float32))
        histories, candidates = draw_histories(6, LENGTH, 600), draw_candidates(6, 40, 600)
        whole = score(signal, histories, candidates)
        assert np.isnan(whole[0]).all()
        parts = np.zeros_like(whole)
        for first in range(0, 6, queries_at_once):
            for left in range(0, 40, candidates_at_once):
                block = slice(first, first + queries_at_once), slice(left, left + candidates_at_once)
                parts[block] = score(signal, histories[block[0]], candidates[block])
        np.testing.assert_array_equal(parts, whole)

    def test_signals_that_share_weights_are_scored_as_each_alone(self, fitted: dict[str, Signal]) -> None:
        together = score_signals(list(fitted.values()), self.HISTORIES)
        assert list(together) == list(fitted)
        for name, signal in fitted.items():
            alone = score_signals([signal], self.HISTORIES)[name]
            np.testing.assert_array_equal(together[name], alone, err_msg=name)

    def test_items_that_came_after_the_weights_have_no_score(self) -> None:
        signal = Signal("s", np.ones((2, 2), np.float32), np.ones(3, np.float32))
        found = score(signal, np.array([[2, 0, 1], [-1, -1, 2]]), np.array([[0, 2, -1], [0, 1, 2]]))
        np.testing.assert_array_equal(found, [[2, np.nan, np.nan], [np.nan] * 3])

    def test_nothing_is_asked(self, fitted: dict[str, Signal]) -> None:
        assert score(fitted["pair_ease"], self.HISTORIES, np.zeros((12, 0), int)).shape == (12, 0)
        assert score(fitted["pair_ease"], np.zeros((0, LENGTH), int), np.zeros((0, 4), int)).shape == (0, 4)


class TestFiles:
    def test_signals_come_back_in_their_order(self, fitted: dict[str, Signal], tmp_path: Path) -> None:
        write_signals(list(fitted.values()), tmp_path)
        for again, signal in zip(read_signals(tmp_path), fitted.values(), strict=True):
            assert again.name == signal.name
            np.testing.assert_array_equal(again.weights, signal.weights)
            np.testing.assert_array_equal(again.places, signal.places)

    def test_weights_that_columns_share_are_kept_once(
        self, fitted: dict[str, Signal], tmp_path: Path
    ) -> None:
        write_signals(list(fitted.values()), tmp_path)
        assert len(list(tmp_path.glob("*/weights.npy"))) == 3
        again = {signal.name: signal for signal in read_signals(tmp_path)}
        assert again["pair_ease_last50"].weights is again["pair_ease"].weights
        assert again["pair_slit"].weights is not again["pair_ease"].weights

    def test_more_than_ten_keep_their_order(self, tmp_path: Path) -> None:
        signals = [Signal(f"s{number}", np.full((1, 1), number), np.ones(1)) for number in range(12)]
        write_signals(signals, tmp_path)
        assert [int(signal.weights[0, 0]) for signal in read_signals(tmp_path)] == list(range(12))

    def test_none_are_read_where_none_were_written(self, tmp_path: Path) -> None:
        write_signals([], tmp_path / "signals")
        assert read_signals(tmp_path / "signals") == []
