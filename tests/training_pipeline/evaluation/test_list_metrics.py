"""What the lists are like: each measure by hand, and by what must hold whatever the lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.oracles import exact_diversity
from training_pipeline.evaluation.list_metrics import (
    compute_coverage,
    compute_diversity,
    compute_exposure,
    compute_gini,
    compute_novelty,
    compute_popularity,
)

NUM_ITEMS = 8


@st.composite
def lists_of_items(draw: st.DrawFn) -> np.ndarray:
    """Up to five lists without repeats, of one length, padded at the end or not at all."""
    length = draw(st.integers(1, NUM_ITEMS))
    rows = draw(st.lists(st.permutations(range(NUM_ITEMS)), min_size=1, max_size=5))
    filled = [draw(st.integers(0, length)) for _ in rows]
    padded = [row[:count] + [-1] * (length - count) for row, count in zip(rows, filled, strict=True)]
    return np.array(padded, np.int32)


class TestCoverage:
    def test_distinct_items_over_corpus_without_padding(self) -> None:
        # Items 0, 1, 2 of 4 are shown.
        assert compute_coverage(np.array([[0, 1], [1, 2], [1, -1]]), 4) == 0.75


class TestNovelty:
    def test_by_hand(self) -> None:
        # p = (count + 1) / (12 + 4): 8/16, 4/16, 2/16, 2/16 -> 1, 2, 3, 3 bits.
        lists = np.array([[0, 1], [2, 3], [1, -1], [-1, -1]])
        np.testing.assert_allclose(compute_novelty(lists, np.array([7, 3, 1, 1])), [1.5, 3, 2, 0])

    def test_item_never_interacted_with_is_finite(self) -> None:
        # p = 1 / (2 + 2): 2 bits.
        assert compute_novelty(np.array([[1]]), np.array([2, 0])) == [2.0]


class TestDiversity:
    def test_by_hand(self) -> None:
        # Items 0 and 1 at right angles, 2 opposite to 0, 3 along 0 but longer. Pairs of the first list:
        # (0,1) 1, (0,2) 2, (1,2) 1 -> 4/3. Lists of one item have no pair.
        embeddings = np.array([[1, 0], [0, 1], [-1, 0], [5, 0]])
        lists = np.array([[0, 1, 2], [0, 3, -1], [0, 2, -1], [1, -1, -1]])
        np.testing.assert_allclose(compute_diversity(lists, embeddings), [4 / 3, 0, 2, 0], atol=1e-12)

    def test_zero_vector_is_orthogonal(self) -> None:
        assert compute_diversity(np.array([[0, 1]]), np.array([[0.0, 0.0], [1.0, 0.0]])) == [1.0]

    @given(st.integers(0, 2**32 - 1), st.integers(1, 6))
    def test_equals_pair_by_pair(self, seed: int, k: int) -> None:
        rng = np.random.default_rng(seed)
        embeddings = rng.normal(size=(8, 3)).astype(np.float32)
        lists = np.array([rng.permutation(8)[:k] for _ in range(4)])
        lists[rng.random(lists.shape) < 0.2] = -1
        expected = exact_diversity(lists, embeddings.astype(np.float64))
        np.testing.assert_allclose(compute_diversity(lists, embeddings), expected, atol=1e-6)


class TestGini:
    def test_by_hand(self) -> None:
        # Places: 0, 1 and 3. Half the mean distance of all nine ordered pairs, 12/9 / 2, over the mean, 4/3.
        lists = np.array([[2, 1], [2, -1], [2, -1]])
        assert compute_gini(lists, 3) == pytest.approx(0.5)

    def test_is_zero_where_all_items_are_recommended_equally_often(self) -> None:
        lists = np.array([[(query + place) % 6 for place in range(4)] for query in range(6)])
        assert compute_gini(lists, 6) == 0

    @pytest.mark.parametrize("num_items", [1, 2, 10])
    def test_one_item_that_has_all_places_leaves_out_the_others(self, num_items: int) -> None:
        lists = np.full((5, 1), num_items - 1)
        assert compute_gini(lists, num_items) == pytest.approx((num_items - 1) / num_items)

    def test_is_zero_where_nothing_is_recommended(self) -> None:
        assert compute_gini(np.full((3, 2), -1), 4) == 0

    @given(lists_of_items())
    def test_is_half_the_mean_distance_of_the_counts_over_their_mean(self, lists: np.ndarray) -> None:
        counts = [np.count_nonzero(lists == item) for item in range(NUM_ITEMS)]
        distance = np.mean([abs(one - other) for one in counts for other in counts])
        expected = distance / 2 / np.mean(counts) if any(counts) else 0
        assert compute_gini(lists, NUM_ITEMS) == pytest.approx(expected)


class TestPopularity:
    def test_by_hand(self) -> None:
        # Of four items: below item 0 stand three and half itself, items 1 and 2 tie at the bottom (half of
        # two), below item 3 two and half itself.
        popularity = np.array([5, 0, 0, 2])
        lists = np.array([[0, -1], [1, 2], [3, 0], [-1, -1]])
        expected = [3.5 / 4, 1 / 4, (2.5 + 3.5) / 8, 0]
        np.testing.assert_allclose(compute_popularity(lists, popularity), expected)

    @given(arrays(np.int64, NUM_ITEMS, elements=st.integers(0, 3)))
    def test_a_list_of_all_items_is_of_middling_popularity(self, popularity: np.ndarray) -> None:
        """However many tie: so lists drawn at random are so in expectation."""
        assert compute_popularity(np.arange(NUM_ITEMS)[None], popularity) == pytest.approx([0.5])

    @given(arrays(np.int64, NUM_ITEMS, elements=st.integers(0, 3)), lists_of_items())
    def test_equals_a_count_of_the_items_below(self, popularity: np.ndarray, lists: np.ndarray) -> None:
        places = [(sum(popularity < own) + sum(popularity == own) / 2) / NUM_ITEMS for own in popularity]
        expected = [np.mean([places[item] for item in row if item >= 0] or [0]) for row in lists]
        np.testing.assert_allclose(compute_popularity(lists, popularity), expected)


class TestExposure:
    def test_by_hand(self) -> None:
        # Places count 1, 1/log2(3) = .63093 and .5, together 2.13093; padding counts nothing.
        in_group = np.array([True, False, True, False])
        lists = np.array([[0, 1, 2], [1, 0, 3], [0, -1, -1], [3, 2, -1], [-1, -1, -1]])
        expected = [1.5 / 2.13093, 0.63093 / 2.13093, 1, 0.63093 / 1.63093, 0]
        np.testing.assert_allclose(compute_exposure(lists, in_group), expected, atol=5e-6)

    @given(lists_of_items(), arrays(np.int64, NUM_ITEMS, elements=st.integers(0, 2)))
    def test_groups_that_divide_the_items_divide_the_exposure(
        self, lists: np.ndarray, group: np.ndarray
    ) -> None:
        shares = [compute_exposure(lists, group == number) for number in range(3)]
        np.testing.assert_allclose(np.sum(shares, axis=0), (lists >= 0).any(axis=1), atol=1e-12)
        assert np.min(shares) >= 0
