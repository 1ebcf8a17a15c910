import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from training_pipeline.evaluation import baselines
from training_pipeline.evaluation.baselines import ItemKNN, Popularity
from training_pipeline.evaluation.ranks import top_k

NUM_ITEMS = 20


@pytest.fixture
def checkerboard():
    """User u likes all items of u's own parity except item u: the only right recommendation left."""
    users, items = np.indices((NUM_ITEMS, NUM_ITEMS))
    return csr_array(((users - items) % 2 == 0) & (users != items), dtype=np.float32)


@pytest.mark.parametrize("baseline", [Popularity(), ItemKNN(), ItemKNN(neighbours=3)])
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


class TestItemKNN:
    def test_solves_the_checkerboard(self, checkerboard):
        items, _ = top_k(ItemKNN().fit(checkerboard).score(checkerboard), checkerboard, 1)
        assert items.ravel().tolist() == list(range(NUM_ITEMS))

    def test_cosine_by_hand(self):
        # Users of item 0: {0, 1, 2, 3}, of item 1: {0}, of item 2: {3}, of item 3: none.
        # cos(0, 1) = 1 / sqrt(4 * 1) = .5, cos(0, 2) = .5, cos(1, 2) = 0.
        interactions = csr_array(
            np.array([[9, 2, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0]], dtype=float)
        )
        model = ItemKNN().fit(interactions)
        expected = [[1, 0.5, 0.5, 0], [0.5, 1, 0, 0], [0.5, 0, 1, 0], [0, 0, 0, 0]]
        np.testing.assert_allclose(model.similarity.toarray(), expected)
        # A history of items 1 and 2, however often: (.5 + .5, 1 + 0, 0 + 1, 0).
        np.testing.assert_allclose(model.score(csr_array([[0.0, 5, 1, 0]])), [[1, 1, 1, 0]])

    def test_repeated_entries_of_a_pair_count_once(self, checkerboard):
        model = ItemKNN().fit(checkerboard)
        twice = csr_array((np.ones(2), [4, 4], [0, 2]), shape=(1, NUM_ITEMS))
        once = csr_array((np.ones(1), [4], [0, 1]), shape=(1, NUM_ITEMS))
        np.testing.assert_array_equal(model.score(twice), model.score(once))

    def test_keeps_the_nearest_neighbours(self):
        # cos(0, 1) = 2 / sqrt(2 * 3) = .816, cos(0, 2) = 1 / sqrt(2) = .707: item 0 keeps itself and 1.
        interactions = csr_array(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 0]]))
        similarity = ItemKNN(neighbours=2).fit(interactions).similarity.toarray()
        np.testing.assert_allclose(similarity[0], [1, 2 / np.sqrt(6), 0], rtol=1e-6)

    def test_blocks_do_not_change_the_similarity(self, checkerboard, monkeypatch):
        whole = ItemKNN(neighbours=4).fit(checkerboard).similarity.toarray()
        monkeypatch.setattr(baselines, "_SCORES_AT_ONCE", 3 * NUM_ITEMS)
        np.testing.assert_array_equal(ItemKNN(neighbours=4).fit(checkerboard).similarity.toarray(), whole)
