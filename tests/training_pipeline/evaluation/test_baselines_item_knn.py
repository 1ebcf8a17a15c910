import numpy as np
import pytest
from scipy.sparse import csr_array

from training_pipeline.evaluation.baselines.item_knn import ItemKNN


def draw_interactions() -> csr_array:
    """30 users, 12 items: common, rare and one that nobody chose."""
    rng = np.random.default_rng(0)
    chances = np.linspace(0, 0.5, 12)
    return csr_array((rng.random((30, 12)) < chances).astype(np.float32))


class TestItemKNN:
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

    def test_keeps_the_nearest_neighbours(self):
        # cos(0, 1) = 2 / sqrt(2 * 3) = .816, cos(0, 2) = 1 / sqrt(2) = .707: item 0 keeps itself and 1.
        interactions = csr_array(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 0]]))
        similarity = ItemKNN(neighbours=2).fit(interactions).similarity.toarray()
        np.testing.assert_allclose(similarity[0], [1, 2 / np.sqrt(6), 0], rtol=1e-6)

    @pytest.mark.parametrize("neighbours", [1, 4, 12])
    def test_neighbours_equal_a_full_sort(self, neighbours):
        """Some items have more neighbours than are kept, some fewer."""
        interactions = draw_interactions()
        dense = interactions.toarray()
        lengths = np.sqrt(dense.sum(axis=0))
        cosines = (dense.T @ dense) / np.maximum(np.outer(lengths, lengths), 1)
        expected = np.zeros_like(cosines)
        # Rounded, so that equal cosines tie; the sort is stable, so that the lower column wins.
        order = np.argsort(-cosines.round(6), axis=1, kind="stable")[:, :neighbours]
        np.put_along_axis(expected, order, np.take_along_axis(cosines, order, axis=1), axis=1)
        similarity = ItemKNN(neighbours).fit(interactions).similarity
        np.testing.assert_allclose(similarity.toarray().sum(axis=1), expected.sum(axis=1), rtol=1e-5)
        assert similarity.nnz == np.count_nonzero(expected)
