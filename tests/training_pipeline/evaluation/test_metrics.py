import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import exact_metrics
from training_pipeline.evaluation.metrics import METRICS, compute_metrics


def measure(ranks_of_queries, k):
    indptr = np.cumsum([0, *map(len, ranks_of_queries)])
    return compute_metrics(np.concatenate(ranks_of_queries).astype(float), indptr, (k,))


class TestComputeMetrics:
    @pytest.mark.parametrize(
        ("metric", "expected"),
        [
            # Relevant items at 0-based ranks 0, 3 and 7; k = 5. Hits: ranks 0 and 3.
            ("HR@5", 1.0),
            # DCG = 1/log2(2) + 1/log2(5) = 1 + .43068 = 1.43068;
            # ideal = 1/log2(2) + 1/log2(3) + 1/log2(4) = 1 + .63093 + .5 = 2.13093;
            # 1.43068 / 2.13093 = .67139.
            ("NDCG@5", 0.67139),
            ("MRR", 1.0),
            # Precision at the hits: 1/1 and 2/4; over min(5, 3) = 3 items: 1.5 / 3.
            ("MAP@5", 0.5),
            ("precision@5", 2 / 5),
            ("recall@5", 2 / 3),
            # 2 * (2/5) * (2/3) / (2/5 + 2/3) = (8/15) / (16/15).
            ("F1@5", 0.5),
        ],
    )
    def test_by_hand(self, metric, expected):
        assert measure([[7, 0, 3]], 5)[metric] == pytest.approx([expected], abs=5e-6)

    def test_single_relevant_item_follows_the_common_rule(self):
        # A hit where rank < k, gain 1/log2(rank + 2): rank 9.5 is a hit at 10, rank 10 is none.
        values = measure([[9.5], [10]], 10)
        assert values["HR@10"].tolist() == [1, 0]
        np.testing.assert_allclose(values["NDCG@10"], [1 / np.log2(11.5), 0])
        np.testing.assert_allclose(values["MRR"], [1 / 10.5, 1 / 11])

    def test_ideal_is_cut_at_k(self):
        # Three relevant items, two places, both taken by relevant items: nothing better is possible.
        values = measure([[0, 1, 2]], 2)
        assert (values["NDCG@2"], values["MAP@2"], values["precision@2"]) == (1, 1, 1)
        assert values["recall@2"] == pytest.approx(2 / 3)

    def test_no_more_than_k_tied_items_are_hits(self):
        # Three relevant items share ranks 0, 1, 2, so each has rank 1 < 2, but two places hold two hits:
        # DCG = 2/log2(3) = 1.26186, ideal = 1 + .63093.
        values = measure([[1, 1, 1]], 2)
        assert values["precision@2"] == 1
        assert values["NDCG@2"] == pytest.approx([1.26186 / 1.63093], abs=5e-6)

    @given(
        st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True), min_size=1, max_size=6)
    )
    def test_equals_plain_loops(self, ranks):
        for k in (1, 5, 20):
            for metric, expected in exact_metrics(ranks, k).items():
                np.testing.assert_allclose(measure(ranks, k)[metric], expected, err_msg=metric)

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.data())
    def test_ties_never_leave_the_unit_interval(self, scores, data):
        relevant = data.draw(st.sets(st.integers(0, len(scores) - 1), min_size=1))
        ranks = [sum(s > scores[i] for s in scores) + (scores.count(scores[i]) - 1) / 2 for i in relevant]
        for k in (1, 3, 10):
            for metric, value in measure([ranks], k).items():
                assert 0 <= value[0] <= 1 + 1e-12, metric

    def test_names_and_shapes(self):
        values = compute_metrics(np.arange(3.0), np.array([0, 2, 3]))
        assert set(values) == {"MRR"} | {f"{name}@{k}" for name in METRICS for k in (5, 10, 20, 50, 100, 200)}
        assert all(value.shape == (2,) and value.dtype == np.float64 for value in values.values())

    def test_query_without_relevant_items_is_refused(self):
        with pytest.raises(ValueError, match=r"got none in 1 queries \(first: query 1\); drop those queries"):
            compute_metrics(np.zeros(2), np.array([0, 1, 1, 2]))

    @pytest.mark.parametrize("rank", [-0.5, np.nan])
    def test_impossible_rank_is_refused(self, rank):
        with pytest.raises(ValueError, match=f"ranks: expected numbers at or above 0, got {rank}"):
            compute_metrics(np.array([0.0, rank]), np.array([0, 2]))

    def test_disagreeing_lengths_are_refused(self):
        with pytest.raises(
            ValueError, match=r"ranks: expected shape \[2\] as relevant_indptr ends, got \[3\]"
        ):
            compute_metrics(np.zeros(3), np.array([0, 2]))

    def test_cutoff_below_one_is_refused(self):
        with pytest.raises(ValueError, match=r"cutoffs: expected list lengths of at least 1, got \[0\]"):
            compute_metrics(np.zeros(1), np.array([0, 1]), (0,))
