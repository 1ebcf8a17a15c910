"""The one protocol of evaluation: segments and figures by hand, held-out queries against plain Python."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from tests.tiny_store import LATE_ITEMS, LATE_USER
from training_pipeline.evaluation.protocol import HeldOut, build_list_rows, build_metric_rows
from training_pipeline.evaluation.report import MetricRow
from training_pipeline.prepare import Prepared

# Four queries, five items; item 4 is cold. The pairs are (0, 1), (0, 4), (1, 2), (2, 0), (3, 4).
RELEVANT = csr_array(np.array([[0, 1, 0, 0, 1], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], bool))
RANKS = np.array([0.0, 2.0, 1.0, 20.0, 0.5])


@pytest.fixture
def held_out() -> HeldOut:
    return HeldOut(
        split="validation",
        frame=pd.DataFrame({"user_id": ["a", "b", "c", "d"]}),
        relevant=RELEVANT,
        seen=csr_array(RELEVANT.shape, dtype=bool),
        past=np.array([0, 1, 11, 10]),
        is_cold=np.array([False, False, False, False, True]),
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
            "item:cold": [0, 1, 0, 0, 1],
        }

    def test_without_pairs_are_left_out(self, held_out: HeldOut) -> None:
        assert set(held_out.take(np.array([1])).list_segments()) == {"all", "user:1-10 items"}

    def test_take_keeps_queries_together(self, held_out: HeldOut) -> None:
        taken = held_out.take(np.array([3, 0]))
        assert taken.frame["user_id"].tolist() == ["d", "a"]
        assert taken.past.tolist() == [10, 0]
        np.testing.assert_array_equal(taken.relevant.toarray(), RELEVANT.toarray()[[3, 0]])
        assert taken.seen.shape == (2, 5)


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


class TestListRows:
    LISTS = np.array([[0, 1, -1], [0, 2, 1], [1, 0, -1], [-1, -1, -1]], np.int32)
    POPULARITY = np.array([3, 1, 0, 0, 0])
    VECTORS = np.array([[1, 0], [0, 1], [-1, 0], [0, 0], [1, 1]], np.float32)

    def build(self, held_out: HeldOut, vectors: dict[str, np.ndarray]) -> list[MetricRow]:
        return build_list_rows(held_out, self.LISTS, self.POPULARITY, vectors, "baseline", "p", seed=0)

    def test_figures_of_the_lists(self, held_out: HeldOut) -> None:
        rows = self.build(held_out, {"text": self.VECTORS, "picture": np.zeros((5, 2), np.float32)})

        coverage = find(rows, "coverage@10")
        assert (coverage.value, coverage.low, coverage.high, coverage.n) == (0.6, 0.6, 0.6, 4)
        # Chances with one added: 4/9, 2/9 and 1/9 of an event.
        bits = -np.log2(np.array([4, 2, 1]) / 9)
        novelty = [bits[:2].mean(), bits.mean(), bits[:2].mean(), 0]
        assert find(rows, "novelty@10").value == pytest.approx(np.mean(novelty))
        # Items 0, 1, 2 are at right angles, but 0 and 2 opposite: (1 + 1 + 2) / 3.
        assert find(rows, "diversity@10").value == pytest.approx(np.mean([1, 4 / 3, 1, 0]))

    def test_without_content_there_is_no_diversity(self, held_out: HeldOut) -> None:
        assert [row.metric for row in self.build(held_out, {})] == ["novelty@10", "coverage@10"]


class TestHeldOutQueries:
    @pytest.mark.parametrize("split", ["validation", "test"])
    def test_relevant_and_seen_are_what_came_after_and_before(self, prepared: Prepared, split: str) -> None:
        held_out = prepared.build_held_out(split)
        events, ids = prepared.tables.interactions, prepared.tables.items["item_id"]
        in_split = events[prepared.parts == split]
        assert set(held_out.frame["user_id"]) == set(in_split["user_id"])
        for query, user in enumerate(held_out.frame["user_id"]):
            as_of = in_split.loc[in_split["user_id"] == user, "event_time"].min()
            own = events[events["user_id"] == user]
            before = set(own.loc[own["event_time"] < as_of, "item_id"])
            after = set(in_split.loc[in_split["user_id"] == user, "item_id"])
            assert set(ids[held_out.seen[[query]].nonzero()[1]]) == before
            assert set(ids[held_out.relevant[[query]].nonzero()[1]]) == after - before
            assert held_out.frame["as_of"][query] == as_of
            assert held_out.past[query] == len(before)

    def test_moment_is_that_of_the_first_target(self, prepared: Prepared, tested: HeldOut) -> None:
        events = prepared.tables.interactions
        at = events.set_index(["user_id", "event_time"]).loc[
            list(zip(tested.frame["user_id"], tested.frame["as_of"], strict=True))
        ]
        assert tested.frame["device"].map(list).tolist() == at["device"].map(list).tolist()
        for name in ("user_events_before", "user_days_since_last", "context_hour_sin"):
            np.testing.assert_allclose(tested.frame[name], at[name])

    def test_late_user_and_late_items_have_their_segments(self, prepared: Prepared, tested: HeldOut) -> None:
        query, item = tested.relevant.nonzero()
        segments = tested.list_segments()
        assert set(tested.frame["user_id"].iloc[query[segments["user:new"]]]) == {LATE_USER}
        chosen_cold = prepared.tables.items["item_id"].iloc[item[segments["item:cold"]]]
        assert set(chosen_cold) == set(LATE_ITEMS)

    def test_where_items_repeat_nothing_is_excluded_but_the_past_counts(
        self, prepared: Prepared, tested: HeldOut
    ) -> None:
        repeating = replace(prepared, repeats=True).build_held_out("test")
        assert repeating.seen.nnz == 0
        np.testing.assert_array_equal(repeating.past, tested.past)
