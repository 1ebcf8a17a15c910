"""Every model is measured by the same oracle on the same queries."""

import numpy as np
import pytest

from tests.oracles import exact_metrics, exact_ranks, exact_top_k
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.evaluation.report import MetricRow
from training_pipeline.measure import Measurement, compare_headline
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


def measure(prepared: Prepared, held_out: HeldOut) -> Measurement:
    return Measurement(prepared, held_out, seed=0)


class TestBaselines:
    @pytest.mark.parametrize("stage", ["train", "train and validation"])
    def test_popularity_counts_what_the_towers_learn(
        self, prepared: Prepared, tested: HeldOut, stage: str
    ) -> None:
        learned = prepared if stage == "train" else prepared.add_validation()
        measured = measure(learned, tested)
        measured.add_baselines()

        counts = np.tile(learned.count_events().astype(float), (len(tested.frame), 1))
        figures = list_figures(measured.rows, "popularity")
        for name, value in measure_exactly(counts, tested).items():
            assert figures[name] == pytest.approx(value), name

    def test_item_knn_scores_by_the_learned_history(self, prepared: Prepared, tested: HeldOut) -> None:
        measured = measure(prepared, tested)
        measured.add_baselines()

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


class TestRetrieval:
    def test_figures_equal_the_oracle(
        self, prepared: Prepared, tested: HeldOut, embeddings: tuple[np.ndarray, np.ndarray]
    ) -> None:
        measured = measure(prepared, tested)
        ranks = measured.add_retrieval(*embeddings)

        scores = embeddings[0] @ embeddings[1].T
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
        measured = measure(prepared, tested)
        measured.add_baselines()
        measured.add_retrieval(*embeddings)
        assert {(row.stage, row.model) for row in measured.rows} == {
            ("baseline", "popularity"),
            ("baseline", "item kNN"),
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
        measured = measure(prepared, tested)
        retrieved = measured.add_retrieval(*embeddings)
        scores = np.random.default_rng(1).random(candidates.items.shape).astype(np.float32)
        ranks = measured.add_ranking(retrieved, candidates, scores)

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
        measured = measure(prepared, tested)
        retrieved = measured.add_retrieval(*embeddings)
        chosen = np.take_along_axis(tested.relevant.toarray(), candidates.items, axis=1)
        ranks = measured.add_ranking(retrieved, candidates, chosen.astype(np.float32))

        difference, low, high = compare_headline(tested.relevant, ranks, retrieved, seed=0)
        figures = [list_figures(measured.rows, model)["NDCG@10"] for model in ("catboost", "two towers")]
        assert difference == pytest.approx(figures[0] - figures[1])
        assert 0 < low < difference < high
