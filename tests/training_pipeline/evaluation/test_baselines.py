"""What holds for every baseline that reads a matrix, and popularity itself."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, csr_matrix

from training_pipeline.evaluation.baselines import baseline as shared
from training_pipeline.evaluation.baselines.baseline import compute_gram, count_pairs
from training_pipeline.evaluation.baselines.item_knn import ItemKNN
from training_pipeline.evaluation.baselines.popularity import Popularity, select_recent
from training_pipeline.evaluation.ranks import top_k
from training_pipeline.linear.ease import EASE

NUM_ITEMS = 20


@pytest.fixture
def checkerboard():
    """User u likes all items of u's own parity except item u: the only right recommendation left."""
    users, items = np.indices((NUM_ITEMS, NUM_ITEMS))
    return csr_array(((users - items) % 2 == 0) & (users != items), dtype=np.float32)


@pytest.mark.parametrize(
    "baseline", [Popularity(), ItemKNN(), ItemKNN(neighbours=3), EASE(), EASE(ridge=1.0)]
)
class TestEveryBaseline:
    def test_scores_every_item_in_float32(self, baseline, checkerboard):
        scores = baseline.fit(checkerboard).score(checkerboard[:3])
        assert (scores.shape, scores.dtype) == ((3, NUM_ITEMS), np.float32)
        assert np.isfinite(scores).all()

    def test_does_not_change_its_input(self, baseline, checkerboard):
        before = checkerboard.toarray()
        baseline.fit(checkerboard).score(checkerboard)
        np.testing.assert_array_equal(checkerboard.toarray(), before)

    def test_matrix_and_array_score_the_same(self, baseline, checkerboard):
        expected = baseline.fit(checkerboard).score(checkerboard)
        matrix = csr_matrix(checkerboard)
        np.testing.assert_array_equal(baseline.fit(matrix).score(matrix), expected)

    def test_empty_history_is_scored(self, baseline, checkerboard):
        assert np.isfinite(baseline.fit(checkerboard).score(csr_array((2, NUM_ITEMS)))).all()

    def test_another_item_index_is_refused(self, baseline, checkerboard):
        with pytest.raises(ValueError, match="histories: expected 20 item columns as in fit, got 21"):
            baseline.fit(checkerboard).score(csr_array((1, NUM_ITEMS + 1)))


class TestPopularity:
    def test_counts_interactions_for_every_history(self):
        # Item 0: 1 + 2 interactions, item 1: none, item 2: 1.
        scores = (
            Popularity().fit(csr_array([[1.0, 0, 1], [2, 0, 0]])).score(csr_array([[0.0, 1, 0], [0, 0, 0]]))
        )
        assert scores.tolist() == [[3, 0, 1], [3, 0, 1]]


class TestSelectRecent:
    def test_window_is_half_open_and_ends_with_the_last_event(self):
        days = [1, 2, 3, 30]
        events = pd.DataFrame({"event_time": [np.datetime64(f"2024-01-{day:02}", "us") for day in days]})
        # 28 days before January 30 is January 2, which stands outside (January 2, January 30].
        assert select_recent(events).index.tolist() == [2, 3]
        assert select_recent(events, days=1).index.tolist() == [3]

    def test_order_of_the_rows_does_not_matter(self):
        events = pd.DataFrame({"event_time": pd.to_datetime(["2024-03-30", "2024-01-01", "2024-03-29"])})
        assert select_recent(events).index.tolist() == [0, 2]


def test_pairs_are_counted():
    counts = count_pairs(np.array([1, 0, 1]), np.array([2, 0, 2]), (2, 3))
    np.testing.assert_array_equal(counts.toarray(), [[1, 0, 0], [0, 0, 2]])
    assert counts.nnz == 2


@pytest.mark.parametrize(("at_once", "num_blocks"), [(10**6, 1), (3 * NUM_ITEMS, 7), (1, NUM_ITEMS)])
def test_gram_matrix_comes_in_blocks(checkerboard, monkeypatch, at_once, num_blocks):
    monkeypatch.setattr(shared, "_PAIRS_AT_ONCE", at_once)
    blocks = [block.toarray() for block in compute_gram(checkerboard)]
    assert len(blocks) == num_blocks
    dense = checkerboard.toarray()
    np.testing.assert_array_equal(np.concatenate(blocks), dense.T @ dense)


@pytest.mark.parametrize("baseline", [ItemKNN(neighbours=4), EASE(ridge=1.0)])
def test_blocks_do_not_change_the_scores(baseline, checkerboard, monkeypatch):
    whole = baseline.fit(checkerboard).score(checkerboard)
    monkeypatch.setattr(shared, "_PAIRS_AT_ONCE", 3 * NUM_ITEMS)
    np.testing.assert_array_equal(baseline.fit(checkerboard).score(checkerboard), whole)


@pytest.mark.parametrize("baseline", [ItemKNN(), EASE(ridge=1.0)])
def test_solves_the_checkerboard(baseline, checkerboard):
    items, _ = top_k(baseline.fit(checkerboard).score(checkerboard), checkerboard, 1)
    assert items.ravel().tolist() == list(range(NUM_ITEMS))


@pytest.mark.parametrize("baseline", [ItemKNN(), EASE()])
def test_repeated_entries_of_a_pair_count_once(baseline, checkerboard):
    model = baseline.fit(checkerboard)
    twice = csr_array((np.ones(2), [4, 4], [0, 2]), shape=(1, NUM_ITEMS))
    once = csr_array((np.ones(1), [4], [0, 1]), shape=(1, NUM_ITEMS))
    np.testing.assert_array_equal(model.score(twice), model.score(once))
