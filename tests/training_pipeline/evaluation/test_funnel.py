"""What became of the chosen items, and what a ranker could reach that knew them: by hand and in loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tests.oracles import exact_metrics
from training_pipeline.evaluation.funnel import (
    CEILING_COUNTS,
    FATES,
    Ceiling,
    count_fates,
    find_ceilings,
    trace_targets,
)
from training_pipeline.evaluation.protocol import HeldOut

SECOND, THIRD = 1 / np.log2(3), 1 / 2
NOTHING = pd.DataFrame({"user_id": pd.Series([], dtype="str"), "item_id": pd.Series([], dtype="str")})


def hold_out(counts: list[int], num_items: int, repeated: pd.DataFrame = NOTHING) -> HeldOut:
    """Queries of users u0, u1, ... whose relevant items are the first, as many as told."""
    relevant = csr_array(np.arange(num_items) < np.array(counts)[:, None])
    return HeldOut(
        split="test",
        frame=pd.DataFrame({"user_id": [f"u{query}" for query in range(len(counts))]}),
        relevant=relevant,
        seen=csr_array(relevant.shape, dtype=bool),
        past=np.zeros(len(counts), int),
        repeated=repeated,
        users={},
        popularity=np.zeros(num_items, int),
    )


class TestFates:
    ITEM_IDS = np.array([f"i{item}" for item in range(300)])
    # Retrieved are 100. User u0: shown at once; retrieved and put below the tenth; never retrieved. User u1:
    # the last of the list, from the last place retrieved; the first below it.
    RETRIEVAL = np.array([3.0, 0.0, 100.0, 99.0, 20.0])
    FINAL = np.array([0.0, 57.0, 100.0, 9.0, 10.0])

    def trace(self, repeated: pd.DataFrame) -> pd.DataFrame:
        return trace_targets(hold_out([3, 2], 300, repeated), self.ITEM_IDS, self.RETRIEVAL, self.FINAL, 100)

    def test_by_hand(self) -> None:
        repeated = pd.DataFrame({"user_id": ["u1", "u7"], "item_id": ["i9", "i0"]})
        traced = self.trace(repeated)
        assert list(traced) == ["user_id", "item_id", "retrieval_rank", "final_rank", "fate"]
        assert traced.iloc[:5].to_numpy().tolist() == [
            ["u0", "i0", 3, 0, "shown"],
            ["u0", "i1", 0, 57, "out-ranked"],
            ["u0", "i2", 100, 100, "not retrieved"],
            ["u1", "i0", 99, 9, "shown"],
            ["u1", "i1", 20, 10, "out-ranked"],
        ]
        filtered = traced.iloc[5:]
        assert filtered[["user_id", "item_id", "fate"]].to_numpy().tolist() == [
            ["u1", "i9", "filtered"],
            ["u7", "i0", "filtered"],
        ]
        assert filtered[["retrieval_rank", "final_rank"]].isna().all(axis=None)
        assert traced.index.tolist() == list(range(7))

    def test_where_nothing_was_chosen_again_nothing_is_filtered(self) -> None:
        traced = self.trace(NOTHING)
        assert traced["fate"].tolist() == ["shown", "out-ranked", "not retrieved", "shown", "out-ranked"]
        assert traced["retrieval_rank"].tolist() == self.RETRIEVAL.tolist()

    def test_are_counted_each(self) -> None:
        counts = count_fates(self.trace(pd.DataFrame({"user_id": ["u1"], "item_id": ["i9"]})))
        assert counts == {"shown": 2, "out-ranked": 2, "not retrieved": 1, "filtered": 1}
        assert tuple(counts) == FATES

    def test_that_nobody_met_count_as_none(self) -> None:
        counts = count_fates(self.trace(NOTHING).query("fate == 'shown'"))
        assert counts == {"shown": 2, "out-ranked": 0, "not retrieved": 0, "filtered": 0}

    @given(st.integers(0, 2**32 - 1))
    def test_every_target_has_one_fate(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        retrieval = rng.permutation(300)[:9].astype(float)
        final = np.where(retrieval < 100, rng.permutation(100)[:9], retrieval)
        traced = trace_targets(hold_out([4, 5], 300), self.ITEM_IDS, retrieval, final, 100)
        assert sum(count_fates(traced).values()) == 9
        assert ((traced["fate"] == "shown") == (final < 10)).all()
        assert ((traced["fate"] == "not retrieved") == (retrieval >= 100)).all()


class TestCeilings:
    def test_by_hand(self) -> None:
        # Among 10 candidates are one of query 0's two targets, one of query 1's three, none of query 2's.
        # Among 20: two, two and none. Among 50, all items: everything.
        held_out = hold_out([2, 3, 1], 50)
        ranks = np.array([15.0, 3, 40, 0, 12, 30])
        ten = np.mean([1 / (1 + SECOND), 1 / (1 + SECOND + THIRD), 0])
        twenty = np.mean([1, (1 + SECOND) / (1 + SECOND + THIRD), 0])
        found = find_ceilings(held_out, ranks)
        assert [ceiling.candidates for ceiling in found] == [10, 20, 50]
        assert [ceiling.hit_rate for ceiling in found] == pytest.approx([2 / 3, 2 / 3, 1])
        assert [ceiling.ndcg for ceiling in found] == pytest.approx([ten, twenty, 1])

    def test_the_last_candidate_counts_and_the_next_does_not(self) -> None:
        ranks = np.array([19.0, 20.0])
        assert find_ceilings(hold_out([1, 1], 50), ranks, [20]) == [Ceiling(20, 0.5, 0.5)]

    def test_more_targets_than_places_fill_the_list(self) -> None:
        # Of twelve targets nine are among the first 20: all but the last of ten places can be right.
        ranks = np.append(np.arange(9.0), [30, 40, 45])
        (ceiling,) = find_ceilings(hold_out([12], 50), ranks, [20])
        gains = 1 / np.log2(np.arange(10) + 2)
        assert ceiling.ndcg == pytest.approx(gains[:9].sum() / gains.sum())

    @pytest.mark.parametrize(
        ("num_items", "expected"),
        [(5, [5]), (50, [10, 20, 50]), (51, [10, 20, 50, 51]), (9000, list(CEILING_COUNTS))],
    )
    def test_counts_beyond_the_corpus_are_left_out_but_for_one(
        self, num_items: int, expected: list[int]
    ) -> None:
        found = find_ceilings(hold_out([1], num_items), np.array([0.0]))
        assert [ceiling.candidates for ceiling in found] == expected

    @given(st.integers(0, 2**32 - 1), st.integers(10, 40), st.integers(1, 4))
    def test_equal_plain_loops_and_never_fall(self, seed: int, num_items: int, num_queries: int) -> None:
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, num_items + 1, num_queries).tolist()
        ranks = [rng.permutation(num_items)[:size].astype(float) for size in sizes]
        found = find_ceilings(hold_out(sizes, num_items), np.concatenate(ranks), range(1, num_items + 1))
        for ceiling in found:
            first = [
                [
                    float(place) if place < (own < ceiling.candidates).sum() else 999.0
                    for place in range(len(own))
                ]
                for own in ranks
            ]
            exact = exact_metrics(first, 10)
            assert ceiling.ndcg == pytest.approx(exact["NDCG@10"].mean())
            assert ceiling.hit_rate == pytest.approx(exact["HR@10"].mean())
        for name in ("ndcg", "hit_rate"):
            values = [getattr(ceiling, name) for ceiling in found]
            assert (np.diff(values) >= -1e-12).all()
            assert values[-1] == pytest.approx(1)

    def test_a_miss_is_none_in_the_smallest_corpus_too(self) -> None:
        assert find_ceilings(hold_out([1], 5), np.array([4.0]), [2]) == [Ceiling(2, 0.0, 0.0)]
