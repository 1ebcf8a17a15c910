"""PCA and whitening of embeddings, against directions known in advance."""

from typing import Literal

import numpy as np
import pytest

from feature_pipeline.encoders.config import ProjectionConfig
from feature_pipeline.projection import Projection, ProjectionError, fit_projection


def fit(
    kind: Literal["pca", "whitening"], dimension: int, vectors: np.ndarray, column: str = "items.text"
) -> Projection:
    config = ProjectionConfig(kind=kind, dimension=dimension)
    return fit_projection(config, vectors.astype(np.float32), column)


def test_pca_finds_the_axes_of_largest_variance() -> None:
    """Around (1, 2, 3): two steps along the third axis, one along the first, none along the second."""
    rows = np.array([[1, 2, 5], [1, 2, 1], [2, 2, 3], [0, 2, 3]])

    projection = fit("pca", 2, rows)

    np.testing.assert_allclose(projection.mean, [1, 2, 3], atol=1e-6)
    np.testing.assert_allclose(np.abs(projection.components), [[0, 0, 1], [1, 0, 0]], atol=1e-6)
    np.testing.assert_array_equal(projection.scale, [1, 1])
    # 3 and 4 along the two axes, whatever was along the second: the direction (4, 3) / 5.
    found = projection.apply(np.float32([[1 + 3, 9, 3 + 4]]))
    np.testing.assert_allclose(np.abs(found), [[0.8, 0.6]], atol=1e-6)
    assert found.dtype == np.float32


def test_whitening_divides_by_the_standard_deviation() -> None:
    """Variances of 4 rows, over n - 1: 2 * 2 ** 2 / 3 and 2 * 1 ** 2 / 3, twice apart in their roots."""
    rows = np.array([[1, 2, 5], [1, 2, 1], [2, 2, 3], [0, 2, 3]])

    projection = fit("whitening", 2, rows)

    np.testing.assert_allclose(projection.scale, np.sqrt([8 / 3, 2 / 3]), rtol=1e-6)
    # Two along the wide axis weigh as much as one along the narrow one.
    found = projection.apply(np.float32([[1 + 1, 2, 3 + 2]]))
    np.testing.assert_allclose(np.abs(found), [[np.sqrt(0.5), np.sqrt(0.5)]], atol=1e-6)


def test_all_dimensions_keep_all_angles_to_the_mean() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 6))
    new = rng.normal(size=(20, 6)).astype(np.float32)

    projection = fit("pca", 6, rows)

    centred = new - rows.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    projected = projection.apply(new)
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(projected @ projected.T, centred @ centred.T, atol=1e-5)


def test_whitened_rows_are_spread_alike() -> None:
    rows = np.random.default_rng(1).normal(size=(500, 4)) * [9, 3, 1, 0.5]

    projection = fit("whitening", 3, rows)

    spread = (rows - projection.mean) @ projection.components.T / projection.scale
    np.testing.assert_allclose(np.cov(spread.T), np.eye(3), atol=1e-4)


def test_arrays_bring_the_projection_back() -> None:
    rows = np.random.default_rng(2).normal(size=(30, 5)).astype(np.float32)
    projection = fit("whitening", 2, rows)

    again = Projection.from_arrays(projection.to_arrays())

    assert again.apply(rows).tobytes() == projection.apply(rows).tobytes()
    assert all(array.dtype == np.float32 for array in projection.to_arrays().values())
    assert fit("whitening", 2, rows).apply(rows).tobytes() == projection.apply(rows).tobytes()


@pytest.mark.parametrize(("num_rows", "most"), [(9, 5), (4, 3), (1, 0), (0, 0)])
def test_more_dimensions_than_there_are_is_refused(num_rows: int, most: int) -> None:
    rows = np.random.default_rng(3).normal(size=(num_rows, 5))

    with pytest.raises(ProjectionError) as error:
        fit("pca", 6, rows, "items.poster_embedding")

    assert str(error.value) == (
        f"items.poster_embedding: projection.dimension is 6, but there are {num_rows} training rows of 5 "
        f"dimensions. Remedy: choose at most {most}, or no projection"
    )


@pytest.mark.parametrize(("rows", "directions"), [([[1, 1, 1]] * 9, 0), ([[1, 1, 1], [2, 1, 1]] * 5, 1)])
def test_rows_that_differ_too_little_are_refused(rows: list[list[float]], directions: int) -> None:
    with pytest.raises(ProjectionError, match=f"differ in {directions} directions only. Remedy: choose at"):
        fit("whitening", 2, np.array(rows))
