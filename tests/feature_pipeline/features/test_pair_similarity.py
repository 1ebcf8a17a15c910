"""Likeness in content: worked by hand, and against plain float64 arithmetic."""

from math import sqrt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.pair_similarity import PairSimilarity, build_specs, compute_cosines, normalize
from tests.event_tables import repeatable

# East, north, north-east, west, and an item without content.
VECTORS = np.array([[2, 0], [0, 3], [1, 1], [-1, 0], [0, 0]], np.float32)
EAST, NORTH, NORTH_EAST, WEST, MISSING = range(5)


def compare(history: list[int], candidates: list[int]) -> tuple[list[float], list[float]]:
    to_mean, to_nearest = compute_cosines(normalize(VECTORS), np.array([history]), np.array([candidates]))
    assert to_mean.shape == to_nearest.shape == (1, len(candidates))
    assert to_mean.dtype == to_nearest.dtype == np.float32
    return to_mean[0].tolist(), to_nearest[0].tolist()


def test_names_its_columns_after_the_content():
    specs = build_specs("poster_embedding")
    assert [spec.name for spec in specs] == ["pair_poster_to_mean", "pair_poster_to_nearest"]
    assert {spec.side for spec in specs} == {"pair"}


def test_normalize_keeps_directions_and_zero_rows():
    np.testing.assert_allclose(
        normalize(VECTORS), [[1, 0], [0, 1], [sqrt(0.5), sqrt(0.5)], [-1, 0], [0, 0]], rtol=1e-7
    )
    assert normalize(VECTORS.astype(np.float64)).dtype == np.float32


def test_one_recent_item_is_both_mean_and_nearest():
    # Cosines to east: itself 1, north 0, north-east cos 45°, west -1; lengths do not matter.
    expected = [1, 0, sqrt(0.5), -1]
    for got in compare([EAST], [EAST, NORTH, NORTH_EAST, WEST]):
        np.testing.assert_allclose(got, expected, atol=1e-7)


def test_the_mean_lies_between_and_the_nearest_is_the_best_of_all():
    # The mean of east and north points north-east, whatever their lengths: cosine to north cos 45°, to west
    # -cos 45°. Nearest to north is north itself, to west the right angle of north.
    to_mean, to_nearest = compare([EAST, NORTH], [NORTH, NORTH_EAST, WEST])
    np.testing.assert_allclose(to_mean, [sqrt(0.5), 1, -sqrt(0.5)], atol=1e-7)
    np.testing.assert_allclose(to_nearest, [1, sqrt(0.5), 0], atol=1e-7)


def test_a_repeated_item_weighs_twice():
    # East, east, north: the mean (2, 1) / 3 has cosine 2 / sqrt(5) to east.
    assert abs(compare([EAST, EAST, NORTH], [EAST])[0][0] - 2 / sqrt(5)) < 1e-7


def test_padding_and_missing_content_of_the_history_are_left_out():
    assert compare([-1, MISSING, EAST], [NORTH_EAST, WEST]) == compare([EAST], [NORTH_EAST, WEST])


def test_without_content_on_either_side_it_is_zero():
    assert compare([-1, -1], [EAST, NORTH]) == ([0, 0], [0, 0])
    assert compare([MISSING], [EAST, NORTH]) == ([0, 0], [0, 0])
    assert compare([WEST], [MISSING, -1]) == ([0, 0], [0, 0])


def test_a_missing_candidate_is_not_the_last_item():
    units = normalize(VECTORS[: WEST + 1])
    assert np.concatenate(compute_cosines(units, np.array([[WEST]]), np.array([[WEST, -1]]))).tolist() == [
        [1, 0],
        [1, 0],
    ]


def test_opposite_items_cancel_out_and_leave_no_mean():
    to_mean, to_nearest = compare([EAST, WEST], [EAST, NORTH])
    assert to_mean == [0, 0]
    assert to_nearest == [1, 0]


def test_no_queries_and_no_candidates():
    units = normalize(VECTORS)
    assert compute_cosines(units, np.empty((0, 3), int), np.empty((0, 2), int))[0].shape == (0, 2)
    assert compute_cosines(units, np.array([[0, 1, 2]]), np.empty((1, 0), int))[1].shape == (1, 0)


def test_reads_the_last_items_alone():
    units = {"text_embedding": normalize(VECTORS), "poster_embedding": normalize(VECTORS[:, ::-1])}
    history, candidates = np.array([[-1, NORTH, WEST, EAST]]), np.array([[EAST, NORTH]])
    feature = PairSimilarity(last=1)
    got = feature.compute(units, history, candidates)
    specs = feature.list_specs(Columns(embeddings=tuple(units)))
    assert list(got) == [spec.name for spec in specs]
    assert got["pair_text_to_mean"].tolist() == got["pair_text_to_nearest"].tolist() == [[1, 0]]
    assert feature.get_recent() == 1
    # History shorter than `last` is read whole.
    assert PairSimilarity(last=9).compute(units, history, candidates)["pair_text_to_nearest"].tolist() == [
        [1, 1]
    ]


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths > 1e-6 else 0.0


def compute_by_hand(vectors: np.ndarray, past: list[int], offered: int) -> tuple[float, float]:
    kept = [
        vectors[item] / np.linalg.norm(vectors[item]) for item in past if item >= 0 and vectors[item].any()
    ]
    if offered < 0 or not kept:
        return 0.0, 0.0
    return cosine(vectors[offered], np.mean(kept, axis=0)), max(
        cosine(vectors[offered], unit) for unit in kept
    )


@repeatable(max_examples=60)
@given(st.data())
def test_equals_plain_arithmetic(data: st.DataObject):
    num_items, num_queries = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    vectors = data.draw(arrays(np.float64, (num_items, 3), elements=st.integers(-2, 2).map(float)))
    positions = st.integers(-1, num_items - 1)
    history = data.draw(arrays(np.int64, (num_queries, 3), elements=positions))
    candidates = data.draw(arrays(np.int32, (num_queries, 4), elements=positions))
    got = np.stack(compute_cosines(normalize(vectors), history, candidates), axis=-1)
    expected = [
        [compute_by_hand(vectors, past, item) for item in offered]
        for past, offered in zip(history.tolist(), candidates.tolist(), strict=True)
    ]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert np.abs(got).max() <= 1 + 1e-6
