import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from tests.oracles import exact_ranks, exact_top_k
from training_pipeline.evaluation.ranks import compute_ranks, compute_reranked_ranks, top_k


def rank(scores, relevant, seen, block_size=512):
    scores = np.asarray(scores, np.float32)
    return compute_ranks(
        lambda queries: scores[queries],
        csr_array(np.array(relevant, bool)),
        csr_array(np.array(seen, bool)),
        block_size,
    )


@st.composite
def ranking_problems(draw):
    """Scores with many ties, minus infinity among them, and disjoint relevant and seen items."""
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    levels = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 2.0])
    scores = draw(arrays(draw(st.sampled_from([np.float32, np.float64])), shape, elements=levels))
    role = draw(arrays(np.int8, shape, elements=st.integers(0, 2)))
    role[np.arange(shape[0]), draw(arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))] = 1
    return scores, role == 1, role == 2


class TestComputeRanks:
    def test_counts_higher_scores_and_half_of_the_ties(self):
        # Item 2 scores 3: one item is higher (5), two others tie (3, 3) -> 1 + 2/2 = 2.
        assert rank([[5, 3, 3, 3, 1]], [[0, 0, 1, 0, 0]], [[0] * 5]) == [2.0]

    def test_leaves_out_seen_items_above_and_tied(self):
        # As above without item 0 (higher) and item 1 (tied): 0 + 1/2.
        assert rank([[5, 3, 3, 3, 1]], [[0, 0, 1, 0, 0]], [[1, 1, 0, 0, 0]]) == [0.5]

    def test_relevant_items_compete_with_each_other(self):
        # Scores 9 > 8 > 7: the relevant items 0 and 2 take ranks 0 and 2, not 0 and 1 or 0 and 0.
        assert rank([[9, 8, 7]], [[1, 0, 1]], [[0, 0, 0]]).tolist() == [0.0, 2.0]

    def test_equal_scores_give_the_middle_of_the_unseen_corpus(self):
        # Four unseen items tie: the average of ranks 0..3 is 1.5. A model that knows nothing gains nothing.
        assert rank([[0] * 5], [[1, 0, 0, 0, 0]], [[0, 0, 0, 0, 1]]) == [1.5]

    def test_minus_infinity_is_not_mistaken_for_seen(self):
        # Item 1 is above; items 0 and 2 tie at minus infinity; item 3 is seen: 1 + 1/2.
        assert rank([[-np.inf, 0, -np.inf, 5]], [[1, 0, 0, 0]], [[0, 0, 0, 1]]) == [1.5]

    @given(ranking_problems(), st.integers(1, 6))
    def test_equals_the_oracle_for_any_block_size(self, problem, block_size):
        scores, relevant, seen = problem
        got = compute_ranks(lambda queries: scores[queries], csr_array(relevant), csr_array(seen), block_size)
        np.testing.assert_array_equal(got, exact_ranks(scores, relevant, seen))

    def test_more_pairs_than_are_compared_at_once(self):
        rng = np.random.default_rng(0)
        scores = rng.integers(0, 40, (30, 90)).astype(np.float32)
        relevant = rng.random(scores.shape) < 0.3
        seen = ~relevant & (rng.random(scores.shape) < 0.2)
        assert relevant.sum() > 512
        np.testing.assert_array_equal(rank(scores, relevant, seen), exact_ranks(scores, relevant, seen))

    def test_does_not_change_the_scores(self):
        scores = np.ones((1, 3), np.float32)
        compute_ranks(lambda _: scores, csr_array([[True, False, False]]), csr_array([[False, False, True]]))
        assert scores.tolist() == [[1, 1, 1]]

    def test_nan_is_refused_with_the_number_of_the_query(self):
        scores = np.zeros((5, 2))
        scores[3, 1] = np.nan
        with pytest.raises(ValueError, match=r"got NaN in 1 of 2 queries \(first: query 3\); check whether"):
            rank(scores, [[1, 0]] * 5, [[0, 0]] * 5, block_size=2)

    def test_wrong_block_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"scores: expected shape \[1, 2\], got \[1, 3\]"):
            rank([[0, 0, 0]], [[1, 0]], [[0, 0]])

    @pytest.mark.parametrize(
        ("relevant", "seen", "message"),
        [
            ([[1, 0], [0, 0]], [[0, 0], [0, 0]], r"got none in 1 of 2 queries \(first: query 1\)"),
            ([[1, 0]], [[1, 0]], "seen: expected no relevant item, got 1"),
            ([[1, 0]], [[0, 0, 0]], r"expected the shape of relevant, \(1, 2\), got \(1, 3\)"),
        ],
    )
    def test_broken_relevance_is_refused(self, relevant, seen, message):
        with pytest.raises(ValueError, match=message):
            rank(np.zeros((len(relevant), 2)), relevant, seen)

    def test_unsorted_relevance_is_refused(self):
        relevant = csr_array((np.ones(2, bool), [1, 0], [0, 2]), shape=(1, 2))
        with pytest.raises(ValueError, match="relevant: expected sorted column indices"):
            compute_ranks(lambda _: np.zeros((1, 2)), relevant, csr_array((1, 2), dtype=bool))


class TestComputeRerankedRanks:
    def test_candidates_by_ranking_score_and_the_rest_by_retrieval(self):
        # Candidates 4, 2, 0 score .1, .7, .7: item 2 ties with item 0 -> 0 + 1/2; item 4 has two above -> 2;
        # item 1 was not retrieved and keeps its retrieval rank 6.
        relevant = csr_array([[False, True, True, False, True]])
        got = compute_reranked_ranks(
            np.array([6.0, 1.0, 0.0]), np.array([[4, 2, 0]]), np.array([[0.1, 0.7, 0.7]]), relevant
        )
        assert got.tolist() == [6.0, 0.5, 2.0]

    def test_an_item_outside_is_placed_below_all_candidates(self):
        # Three items tie across the boundary of 2 candidates: retrieval rank 1 would be among the candidates.
        relevant = csr_array([[False, False, True]])
        got = compute_reranked_ranks(np.array([1.0]), np.array([[0, 1]]), np.array([[0.0, 0.0]]), relevant)
        assert got == [2.0]

    def test_padding_takes_no_part(self):
        # One candidate, whatever stands in the padding: it is first, the other item second at best.
        relevant = csr_array([[True, False, True]])
        got = compute_reranked_ranks(
            np.array([0.0, 0.5]), np.array([[2, -1, -1]]), np.array([[-3, 9, np.nan]]), relevant
        )
        assert got.tolist() == [1.0, 0.0]

    @given(ranking_problems())
    def test_full_retrieval_equals_ranking_everything(self, problem):
        scores, relevant, seen = problem
        items, _ = exact_top_k(np.zeros(scores.shape), seen, scores.shape[1])
        ranking_scores = np.take_along_axis(scores, np.maximum(items, 0), axis=1)
        retrieval_ranks = exact_ranks(np.zeros(scores.shape), relevant, seen)
        got = compute_reranked_ranks(retrieval_ranks, items, ranking_scores, csr_array(relevant))
        np.testing.assert_array_equal(got, exact_ranks(scores, relevant, seen))

    def test_reranking_by_retrieval_score_changes_no_rank(self):
        rng = np.random.default_rng(1)
        scores = rng.permuted(np.tile(np.arange(60, dtype=np.float32), (40, 1)), axis=1)
        relevant, nothing = rng.random(scores.shape) < 0.4, np.zeros(scores.shape, bool)
        ranks = exact_ranks(scores, relevant, nothing)
        items, values = exact_top_k(scores, nothing, 25)
        np.testing.assert_array_equal(
            compute_reranked_ranks(ranks, items, values, csr_array(relevant)), ranks
        )

    def test_nan_of_a_candidate_is_refused(self):
        with pytest.raises(ValueError, match="scores: expected numbers, got NaN in 1 of 1 queries"):
            compute_reranked_ranks(np.zeros(1), np.array([[0]]), np.array([[np.nan]]), csr_array([[True]]))

    def test_ranks_of_another_matrix_are_refused(self):
        with pytest.raises(ValueError, match=r"retrieval_ranks: expected shape \[1\], got \[2\]"):
            compute_reranked_ranks(np.zeros(2), np.array([[0]]), np.array([[1.0]]), csr_array([[True]]))


class TestTopK:
    def test_ties_at_the_boundary_go_to_the_lower_index(self):
        items, scores = top_k(np.array([[1, 2, 1, 3, 1]]), csr_array((1, 5)), 3)
        assert items.tolist() == [[3, 1, 0]]
        assert scores.tolist() == [[3, 2, 1]]
        assert (items.dtype, scores.dtype) == (np.int32, np.float32)

    def test_pads_where_too_few_items_are_unseen(self):
        items, scores = top_k(np.array([[1.0, 2.0, 3.0]]), csr_array([[0, 0, 1]]), 4)
        assert items.tolist() == [[1, 0, -1, -1]]
        assert scores.tolist() == [[2, 1, -np.inf, -np.inf]]

    def test_minus_infinity_is_never_recommended(self):
        items, _ = top_k(np.array([[-np.inf, 0.0]]), csr_array((1, 2)), 2)
        assert items.tolist() == [[1, -1]]

    @given(ranking_problems(), st.integers(1, 9))
    def test_equals_a_full_sort(self, problem, k):
        scores, _, seen = problem
        scores = np.maximum(scores, -9)
        for got, expected in zip(
            top_k(scores, csr_array(seen), k), exact_top_k(scores, seen, k), strict=True
        ):
            np.testing.assert_array_equal(got, expected)

    def test_does_not_change_the_scores(self):
        scores = np.ones((1, 2), np.float32)
        top_k(scores, csr_array([[1, 0]]), 1)
        assert scores.tolist() == [[1, 1]]

    def test_nan_is_refused(self):
        with pytest.raises(ValueError, match="got NaN in 1 of 1 queries"):
            top_k(np.array([[0.0, np.nan]]), csr_array((1, 2)), 1)

    def test_k_below_one_is_refused(self):
        with pytest.raises(ValueError, match="k: expected a list length of at least 1, got 0"):
            top_k(np.zeros((1, 2)), csr_array((1, 2)), 0)
