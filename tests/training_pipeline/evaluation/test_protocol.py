"""The one protocol of evaluation: segments and figures by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from training_pipeline.evaluation.metrics import CUTOFFS, METRICS
from training_pipeline.evaluation.protocol import (
    SEGMENT_METRICS,
    HeldOut,
    build_list_rows,
    build_metric_rows,
)
from training_pipeline.evaluation.results import MetricRow

# Four queries, five items; item 4 is cold, as is 3, which nobody chose. The pairs are (0, 1), (0, 4), (1, 2),
# (2, 0), (3, 4). Of nine learned events item 0 begins at none, item 1 at four and item 2 at seven.
RELEVANT = csr_array(np.array([[0, 1, 0, 0, 1], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], bool))
POPULARITY = np.array([4, 3, 2, 0, 0])
RANKS = np.array([0.0, 2.0, 1.0, 20.0, 0.5])


@pytest.fixture
def held_out() -> HeldOut:
    return HeldOut(
        split="validation",
        frame=pd.DataFrame({"user_id": ["a", "b", "c", "d"]}),
        relevant=RELEVANT,
        seen=csr_array(RELEVANT.shape, dtype=bool),
        past=np.array([0, 1, 11, 10]),
        repeated=pd.DataFrame({"user_id": ["b", "a", "b"], "item_id": ["i0", "i2", "i1"]}),
        users={"user:tall": np.array([True, False, False, True])},
        popularity=POPULARITY,
    )


def find(rows: list[MetricRow], metric: str, segment: str = "all") -> MetricRow:
    (row,) = [row for row in rows if (row.metric, row.segment) == (metric, segment)]
    return row


class TestSegments:
    def test_hold_pairs_by_the_users_past_and_by_the_items(self, held_out: HeldOut) -> None:
        segments = {name: pairs.astype(int).tolist() for name, pairs in held_out.list_segments().items()}
        assert segments == {
            "all": [1, 1, 1, 1, 1],
            "user:new": [1, 1, 0, 0, 0],
            "user:1-10 items": [0, 0, 1, 0, 1],
            "user:over 10 items": [0, 0, 0, 1, 0],
            "user:tall": [1, 1, 0, 0, 1],
            "item:head": [0, 0, 0, 1, 0],
            "item:middle": [1, 0, 0, 0, 0],
            "item:tail": [0, 0, 1, 0, 0],
            "item:cold": [0, 1, 0, 0, 1],
        }

    def test_without_pairs_are_left_out(self, held_out: HeldOut) -> None:
        assert set(held_out.take(np.array([1])).list_segments()) == {"all", "user:1-10 items", "item:tail"}

    def test_take_keeps_queries_together(self, held_out: HeldOut) -> None:
        taken = held_out.take(np.array([3, 0]))
        assert taken.frame["user_id"].tolist() == ["d", "a"]
        assert taken.past.tolist() == [10, 0]
        np.testing.assert_array_equal(taken.relevant.toarray(), RELEVANT.toarray()[[3, 0]])
        assert taken.seen.shape == (2, 5)
        assert taken.users["user:tall"].tolist() == [True, True]
        assert taken.repeated.to_numpy().tolist() == [["a", "i2"]]
        assert taken.popularity.tolist() == POPULARITY.tolist()


class TestMetricRows:
    def test_all_averages_over_queries(self, held_out: HeldOut) -> None:
        rows = build_metric_rows(held_out, RANKS, "retrieval", "towers", seed=0)
        hit_rate = find(rows, "HR@10")
        assert (hit_rate.value, hit_rate.n) == (0.75, 4)
        assert (hit_rate.stage, hit_rate.model, hit_rate.split) == ("retrieval", "towers", "validation")
        assert hit_rate.low <= 0.75 <= hit_rate.high
        # Query 0 finds both of two items, at ranks 0 and 2.
        ndcg = [(1 + 0.5) / (1 + 1 / np.log2(3)), 1 / np.log2(3), 0, 1 / np.log2(2.5)]
        assert find(rows, "NDCG@10").value == pytest.approx(np.mean(ndcg))

    def test_a_segment_counts_its_own_pairs_alone(self, held_out: HeldOut) -> None:
        rows = build_metric_rows(held_out, RANKS, "retrieval", "towers", seed=0)
        # The cold item stands at rank 2 for query 0 and shares ranks 0 and 1 for query 3.
        cold = find(rows, "MRR", "item:cold")
        assert (cold.value, cold.n) == (pytest.approx((1 / 3 + 1 / 1.5) / 2), 2)
        assert find(rows, "HR@10", "user:over 10 items").value == 0

    def test_all_has_every_metric_and_other_segments_the_few(self, held_out: HeldOut) -> None:
        rows = build_metric_rows(held_out, RANKS, "retrieval", "towers", seed=0)
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row.segment, []).append(row.metric)
        assert found.pop("all") == ["MRR"] + [f"{name}@{k}" for name in METRICS for k in CUTOFFS]
        assert set(found) == set(held_out.list_segments()) - {"all"}
        assert all(metrics == list(SEGMENT_METRICS) for metrics in found.values())


class TestListRows:
    LISTS = np.array([[0, 1, -1], [0, 2, 1], [1, 0, -1], [-1, -1, -1]], np.int32)
    VECTORS = np.array([[1, 0], [0, 1], [-1, 0], [0, 0], [1, 1]], np.float32)

    def build(self, held_out: HeldOut, vectors: dict[str, np.ndarray]) -> list[MetricRow]:
        return build_list_rows(held_out, self.LISTS, vectors, "baseline", "p", seed=0)

    def test_figures_of_the_lists(self, held_out: HeldOut) -> None:
        rows = self.build(held_out, {"text": self.VECTORS, "picture": np.zeros((5, 2), np.float32)})

        # Chances with one added: 5/14, 4/14 and 3/14 of an event.
        bits = -np.log2(np.array([5, 4, 3]) / 14)
        novelty = [bits[:2].mean(), bits.mean(), bits[:2].mean(), 0]
        assert find(rows, "novelty@10").value == pytest.approx(np.mean(novelty))
        # Below stand four, three and two of five items, and half of the item itself.
        assert find(rows, "popularity@10").value == pytest.approx(np.mean([0.8, 0.7, 0.8, 0]))
        # Items 0, 1, 2 are at right angles, but 0 and 2 opposite: (1 + 1 + 2) / 3.
        assert find(rows, "diversity@10").value == pytest.approx(np.mean([1, 4 / 3, 1, 0]))
        assert {(row.segment, row.n) for row in rows} == {("all", 4)}

    def test_figures_of_all_lists_together_have_no_interval(self, held_out: HeldOut) -> None:
        rows = self.build(held_out, {})
        coverage, gini = find(rows, "coverage@10"), find(rows, "Gini@10")
        assert (coverage.value, coverage.low, coverage.high, coverage.n) == (0.6, 0.6, 0.6, 4)
        # Places: 3, 3, 1, 0, 0. The ten pairs differ by 0, 2, 3, 3, 2, 3, 3, 1, 1 and 0: 18 / (5 * 7).
        assert gini.value == pytest.approx(18 / 35)
        assert gini.low == gini.value == gini.high

    def test_exposure_of_the_thirds_by_popularity(self, held_out: HeldOut) -> None:
        rows = self.build(held_out, {})
        second, third = 1 / np.log2(3), 0.5
        two, three = 1 + second, 1 + second + third
        # Item 0 is the head, item 1 the middle, item 2 the tail; the last list is empty.
        expected = {
            "head": [1 / two, 1 / three, second / two, 0],
            "middle": [second / two, third / three, 1 / two, 0],
            "tail": [0, second / three, 0, 0],
            "cold": [0, 0, 0, 0],
        }
        for group, shares in expected.items():
            assert find(rows, f"exposure of item:{group}@10").value == pytest.approx(np.mean(shares))

    def test_without_content_there_is_no_diversity(self, held_out: HeldOut) -> None:
        exposures = [f"exposure of item:{group}@10" for group in ("head", "middle", "tail", "cold")]
        assert [row.metric for row in self.build(held_out, {})] == [
            "novelty@10",
            "popularity@10",
            *exposures,
            "coverage@10",
            "Gini@10",
        ]
