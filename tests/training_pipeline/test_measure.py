"""Every model is measured by the same oracle on the same queries."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tests.oracles import exact_metrics, exact_ranks, exact_top_k
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.evaluation.results import MetricRow
from training_pipeline.linear.signals import fit_slit
from training_pipeline.measure import Measurement
from training_pipeline.prepare import Prepared
from training_pipeline.ranking.candidates import Candidates, retrieve_candidates

DIM = 4


def by_query(ranks: np.ndarray, held_out: HeldOut) -> list[list[float]]:
    return [list(part) for part in np.split(ranks, held_out.relevant.indptr[1:-1])]


def measure_exactly(scores: np.ndarray, held_out: HeldOut) -> dict[str, float]:
    ranks = exact_ranks(scores, held_out.relevant.toarray(), held_out.seen.toarray())
    return {name: values.mean() for name, values in exact_metrics(by_query(ranks, held_out), 10).items()}


def list_figures(rows: list[MetricRow], model: str, segment: str = "all") -> dict[str, float]:
    return {row.metric: row.value for row in rows if (row.model, row.segment) == (model, segment)}


@pytest.fixture
def embeddings(tested: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers, so that ties are many and sums exact."""
    rng = np.random.default_rng(0)
    shape = tested.relevant.shape
    return tuple(rng.integers(-1, 2, size=(size, DIM)).astype(np.float32) for size in shape)  # type: ignore[return-value]


def start(prepared: Prepared, held_out: HeldOut) -> Measurement:
    return Measurement(prepared, held_out, seed=0)


def list_histories(prepared: Prepared, held_out: HeldOut) -> list[list[int]]:
    """The items each query's user met before it, oldest first."""
    events = prepared.tables.interactions.sort_values("event_time")
    pasts = []
    for user, moment in zip(held_out.frame["user_id"], held_out.frame["as_of"], strict=True):
        past = events[(events["user_id"] == user) & (events["event_time"] < moment)]
        pasts.append(past["item_id"].str[-2:].astype(int).tolist())
    return pasts


class TestBaselines:
    @pytest.fixture(scope="class")
    def measured(self, prepared: Prepared, tested: HeldOut) -> Measurement:
        measurement = start(prepared, tested)
        measurement.add_baselines()
        return measurement

    @pytest.mark.parametrize("stage", ["train", "train and validation"])
    def test_popularity_counts_what_the_towers_learn(
        self, prepared: Prepared, tested: HeldOut, stage: str
    ) -> None:
        learned = prepared if stage == "train" else prepared.learn("train", "validation")
        measured = start(learned, tested)
        measured.add_baselines()

        counts = np.tile(learned.count_events().astype(float), (len(tested.frame), 1))
        figures = list_figures(measured.rows, "popularity")
        for name, value in measure_exactly(counts, tested).items():
            assert figures[name] == pytest.approx(value), name

    def test_item_knn_scores_by_the_learned_history(
        self, prepared: Prepared, tested: HeldOut, measured: Measurement
    ) -> None:
        known = prepared.build_matrix().toarray() > 0
        length = np.sqrt(known.sum(axis=0))
        cosine = np.divide(
            known.T.astype(float) @ known,
            np.outer(length, length),
            where=np.outer(length, length) > 0,
            out=np.zeros((40, 40)),
        )
        users = tested.frame["user_id"].str[-2:].astype(int)
        exact = measure_exactly((known[users] @ cosine).astype(np.float32), tested)
        assert list_figures(measured.rows, "item kNN")["HR@10"] == pytest.approx(exact["HR@10"])
        assert list_figures(measured.rows, "item kNN")["NDCG@10"] == pytest.approx(exact["NDCG@10"], abs=1e-3)

    def test_recent_popularity_counts_the_last_four_weeks_learned(
        self, prepared: Prepared, tested: HeldOut, measured: Measurement
    ) -> None:
        events = prepared.learned_events
        recent = events[events["event_time"].max() - events["event_time"] < pd.Timedelta(days=28)]
        assert 0 < len(recent) < len(events)
        counts = np.bincount(recent["item_id"].str[-2:].astype(int), minlength=40)
        exact = measure_exactly(np.tile(counts.astype(float), (len(tested.frame), 1)), tested)
        figures = list_figures(measured.rows, "recent popularity")
        for name, value in exact.items():
            assert figures[name] == pytest.approx(value), name

    @pytest.mark.parametrize("stage", ["train", "train and validation"])
    def test_transitions_count_learned_steps_from_the_last_item(
        self, prepared: Prepared, tested: HeldOut, stage: str
    ) -> None:
        learned = prepared if stage == "train" else prepared.learn("train", "validation")
        measured = start(learned, tested)
        measured.add_baselines()

        followed = np.zeros((40, 40))
        for _, events in learned.learned_events.sort_values("event_time").groupby("user_id"):
            items = events["item_id"].str[-2:].astype(int).tolist()
            for step in pairwise(items):
                followed[step] += 1
        last = [past[-1] if past else None for past in list_histories(learned, tested)]
        scores = np.array([np.zeros(40) if item is None else followed[item] for item in last])
        figures = list_figures(measured.rows, "last-item transitions")
        for name, value in measure_exactly(scores, tested).items():
            assert figures[name] == pytest.approx(value), name

    def test_slit_reads_the_history_at_the_query(
        self, prepared: Prepared, tested: HeldOut, measured: Measurement
    ) -> None:
        weights = fit_slit(prepared.learned_events, prepared.tables).weights.astype(float)
        scores = np.zeros((len(tested.frame), 40))
        for query, past in enumerate(list_histories(prepared, tested)):
            for back, item in enumerate(past[::-1]):
                scores[query] += np.exp(-back / 5) * weights[item]
        figures = list_figures(measured.rows, "SLIT")
        for name, value in measure_exactly(scores.round(6), tested).items():
            assert figures[name] == pytest.approx(value), name

    def test_content_knn_compares_with_the_recent_items(
        self, prepared: Prepared, tested: HeldOut, measured: Measurement
    ) -> None:
        vectors = prepared.tables.item_vectors["text_embedding"].astype(float)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = np.divide(vectors, lengths, where=lengths > 0, out=np.zeros_like(vectors))
        pasts = list_histories(prepared, tested)
        scores = np.array([(units[past] @ units.T).max(axis=0) if past else np.zeros(40) for past in pasts])
        figures = list_figures(measured.rows, "content kNN, text_embedding")
        for name, value in measure_exactly(scores.astype(np.float32).round(5), tested).items():
            assert figures[name] == pytest.approx(value), name

    def test_too_many_items_leave_squares_of_them_out_and_say_so(
        self,
        prepared: Prepared,
        tested: HeldOut,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        everything, fewer = start(prepared, tested), start(prepared, tested)
        monkeypatch.setattr("training_pipeline.measure.MAX_ITEMS", 40)
        everything.add_baselines()
        assert capsys.readouterr().err == ""
        monkeypatch.setattr("training_pipeline.measure.MAX_ITEMS", 39)
        fewer.add_baselines()
        assert capsys.readouterr().err == "EASE, SLIT left out: 40 items, more than 39\n"
        assert fewer.rows == [row for row in everything.rows if row.model not in ("EASE", "SLIT")]
        assert len(fewer.rows) < len(everything.rows)


class TestRetrieval:
    def test_figures_equal_the_oracle(
        self, prepared: Prepared, tested: HeldOut, embeddings: tuple[np.ndarray, np.ndarray]
    ) -> None:
        measured = start(prepared, tested)
        measured.add_retrieval(*embeddings)

        ranks, scores = measured.ranks["two towers"], embeddings[0] @ embeddings[1].T
        seen = tested.seen.toarray()
        np.testing.assert_array_equal(ranks, exact_ranks(scores, tested.relevant.toarray(), seen))
        figures = list_figures(measured.rows, "two towers")
        for name, value in measure_exactly(scores, tested).items():
            assert figures[name] == pytest.approx(value), name
        lists, _ = exact_top_k(scores, seen, 10)
        assert figures["coverage@10"] == len(set(lists[lists >= 0])) / 40

    def test_rows_name_stage_split_and_segment(
        self, prepared: Prepared, tested: HeldOut, embeddings: tuple[np.ndarray, np.ndarray]
    ) -> None:
        measured = start(prepared, tested)
        measured.add_baselines()
        measured.add_retrieval(*embeddings)
        assert {(row.stage, row.model) for row in measured.rows} == {
            ("baseline", "popularity"),
            ("baseline", "recent popularity"),
            ("baseline", "item kNN"),
            ("baseline", "EASE"),
            ("baseline", "SLIT"),
            ("baseline", "last-item transitions"),
            ("baseline", "content kNN, text_embedding"),
            ("retrieval", "two towers"),
        }
        assert {row.split for row in measured.rows} == {"test"}
        assert {"all", "user:new", "item:cold"} <= {row.segment for row in measured.rows}


class TestRanking:
    @pytest.fixture
    def candidates(self, tested: HeldOut, embeddings: tuple[np.ndarray, np.ndarray]) -> Candidates:
        return retrieve_candidates(*embeddings, tested.seen, k=12)

    def test_order_end_to_end_puts_candidates_by_score_and_the_rest_behind(
        self,
        prepared: Prepared,
        tested: HeldOut,
        embeddings: tuple[np.ndarray, np.ndarray],
        candidates: Candidates,
    ) -> None:
        measured = start(prepared, tested)
        measured.add_retrieval(*embeddings)
        scores = np.random.default_rng(1).random(candidates.items.shape).astype(np.float32)
        measured.add_ranking(candidates, scores)
        retrieved, ranks = measured.ranks["two towers"], measured.ranks["catboost"]

        expected = []
        for (query, item), place in zip(np.argwhere(tested.relevant.toarray()), retrieved, strict=True):
            own = candidates.items[query] == item
            better = scores[query] > scores[query][own] if own.any() else np.ones(12, bool)
            expected.append(better.sum() if own.any() else max(place, 12))
        np.testing.assert_array_equal(ranks, expected)
        figures = list_figures(measured.rows, "catboost")
        exact = exact_metrics(by_query(ranks, tested), 10)
        assert figures["NDCG@10"] == pytest.approx(exact["NDCG@10"].mean())
        best = np.take_along_axis(candidates.items, np.argsort(-scores, axis=1)[:, :10], axis=1)
        assert figures["coverage@10"] == len(np.unique(best)) / 40

    def test_perfect_ranker_beats_the_retrieval_order(
        self,
        prepared: Prepared,
        tested: HeldOut,
        embeddings: tuple[np.ndarray, np.ndarray],
        candidates: Candidates,
    ) -> None:
        measured = start(prepared, tested)
        measured.add_retrieval(*embeddings)
        chosen = np.take_along_axis(tested.relevant.toarray(), candidates.items, axis=1)
        measured.add_ranking(candidates, chosen.astype(np.float32))

        (gain,) = measured.compare("catboost")
        assert gain.against == "two towers"
        figures = [list_figures(measured.rows, model)["NDCG@10"] for model in ("catboost", "two towers")]
        assert gain.value == pytest.approx(figures[0] - figures[1])
        assert 0 < gain.low < gain.value < gain.high
        assert gain.p_value < 0.01

        # The gain on the retrieval order alone needs no correction for further comparisons.
        measured.add_retrieval(-embeddings[0], embeddings[1], "towers turned away")
        assert measured.find_gain() == gain
        assert len(measured.compare("catboost")) == 2
