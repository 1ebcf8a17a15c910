"""Cosines to all items, and what becomes of those that are not known."""

import numpy as np
import pytest

from inference.content_space import Space, average, standardise

NAN = np.nan


def test_cosines_of_vectors_of_any_length():
    space = Space(np.array([[3, 0], [0, 0], [0, -2], [3, 4]], np.float32))
    found = space.compare(np.array([5, 0], np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [1, NAN, 0, 0.6], atol=1e-6)


def test_the_cosine_of_a_vector_to_itself_is_one_wherever_it_stands():
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    assert Space(np.tile(vector, (37, 1))).compare(7 * vector).tolist() == [1.0] * 37


def test_the_mean_is_over_what_is_known():
    own, other = np.float32([1, NAN, 0.5, NAN]), np.float32([0, 0.25, NAN, NAN])
    found = average([own, other])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.5, 0.25, 0.5, NAN])
    np.testing.assert_array_equal(average([own]), own)


@pytest.mark.parametrize(
    ("cosines", "expected"),
    [
        ([0.25, NAN, 0.75], [-1, NAN, 1]),
        ([0.1, 0.1, 0.1, NAN], [0, 0, 0, NAN]),
        ([NAN, NAN], [NAN, NAN]),
        ([], []),
    ],
)
def test_standardised(cosines, expected):
    found = standardise(np.float32(cosines))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.float32(expected), atol=1e-6)
