import numpy as np
import pytest
from scipy.sparse import csr_array

from training_pipeline.linear.ease import EASE


def fit_column_by_column(interactions: np.ndarray, ridge: float) -> np.ndarray:
    """Each item by a ridge regression on all others: what the closed form minimises, solved the long way."""
    num_items = interactions.shape[1]
    weights = np.zeros((num_items, num_items))
    for item in range(num_items):
        others = np.flatnonzero(np.arange(num_items) != item)
        given = interactions[:, others]
        normal = given.T @ given + ridge * np.eye(num_items - 1)
        weights[others, item] = np.linalg.solve(normal, given.T @ interactions[:, item])
    return weights


def test_weights_by_hand() -> None:
    # Users choose {0, 1} and {0}: X'X = [[2, 1], [1, 1]], with ridge 1 [[3, 1], [1, 2]];
    # its inverse is P = [[2, -1], [-1, 3]] / 5.
    # B[0, 1] = -P[0, 1] / P[1, 1] = 1 / 3, B[1, 0] = -P[1, 0] / P[0, 0] = 1 / 2.
    model = EASE(ridge=1.0).fit(csr_array([[1.0, 1], [1, 0]]))
    np.testing.assert_allclose(model.weights, [[0, 1 / 3], [1 / 2, 0]], rtol=1e-6)
    np.testing.assert_allclose(
        model.score(csr_array([[7.0, 0], [0, 1], [1, 1]])), [[0, 1 / 3], [0.5, 0], [0.5, 1 / 3]]
    )


@pytest.mark.parametrize("ridge", [0.5, 500.0])
def test_equals_a_ridge_regression_for_each_item(ridge: float) -> None:
    interactions = (np.random.default_rng(1).random((60, 15)) < 0.3).astype(np.float32)
    weights = EASE(ridge).fit(csr_array(interactions)).weights
    np.testing.assert_allclose(weights, fit_column_by_column(interactions, ridge), rtol=1e-4, atol=1e-7)
    assert weights.dtype == np.float32


def test_counts_are_read_as_chosen_or_not() -> None:
    interactions = np.random.default_rng(2).integers(0, 3, (20, 6)).astype(np.float32)
    often, once = (EASE(1.0).fit(csr_array(x)).weights for x in (interactions, interactions > 0))
    np.testing.assert_array_equal(often, once)


def test_an_item_without_interactions_neither_gives_nor_takes() -> None:
    interactions = (np.random.default_rng(3).random((20, 6)) < 0.5).astype(np.float32)
    interactions[:, 4] = 0
    weights = EASE().fit(csr_array(interactions)).weights
    assert not weights[4].any()
    assert not weights[:, 4].any()
