"""Queries are embedded from user, moment and the history that is there."""

import numpy as np
import pytest
import tensorflow as tf

from tests.training_pipeline.invented import NOTHING
from training_pipeline.retrieval.inputs import Scale, SideInputs, Vocabulary
from training_pipeline.retrieval.query_tower import QueryTower

DIM = 4
USER = SideInputs({"country": Vocabulary(["Mali", "Peru"], 1)}, {}, {})
MOMENT = SideInputs({}, {"user_events_before": Scale(0.0, 1.0)}, {})
VECTORS = np.random.default_rng(0).normal(size=(2, 3, DIM)).astype(np.float32)
MASK = np.array([[True, True, True], [False, True, True]])


def make_query(vectors: np.ndarray = VECTORS, mask: np.ndarray = MASK) -> dict[str, dict[str, tf.Tensor]]:
    return {
        "user": {"country": tf.constant([[2], [3]])},
        "moment": {"numeric": tf.constant([[0.3, 0.0], [0.0, 1.0]])},
        "history": {"vectors": tf.constant(vectors), "mask": tf.constant(mask)},
    }


@pytest.fixture
def tower() -> QueryTower:
    return QueryTower(USER, MOMENT, [6], DIM, dropout=0.5)


def test_embeds_every_query(tower: QueryTower) -> None:
    embedded = tower(make_query())
    assert embedded.shape == [2, DIM]
    assert embedded.dtype == tf.float32


def test_more_padding_on_the_left_changes_nothing(tower: QueryTower) -> None:
    padding = np.full((2, 4, DIM), 9.0, np.float32)
    padded = make_query(
        np.concatenate([padding, VECTORS], axis=1), np.concatenate([np.zeros((2, 4), bool), MASK], axis=1)
    )
    np.testing.assert_allclose(tower(padded), tower(make_query()), atol=1e-6)


def test_what_stands_at_padded_places_is_not_read(tower: QueryTower) -> None:
    changed = VECTORS.copy()
    changed[1, 0] = 9.0
    np.testing.assert_array_equal(tower(make_query(changed)), tower(make_query()))


def test_the_history_is_read(tower: QueryTower) -> None:
    changed = VECTORS.copy()
    changed[1, 1] += 1.0
    before, after = tower(make_query()).numpy(), tower(make_query(changed)).numpy()
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.allclose(after[1], before[1], atol=1e-3)


@pytest.mark.parametrize("side", ["user", "moment"])
def test_user_and_moment_are_read(tower: QueryTower, side: str) -> None:
    query = make_query()
    changed = {**query, side: {name: values[::-1] for name, values in query[side].items()}}
    assert not np.allclose(tower(changed), tower(query), atol=1e-3)


def test_query_of_a_new_user_without_history_is_embedded(tower: QueryTower) -> None:
    embedded = tower(make_query(mask=np.zeros_like(MASK))).numpy()
    assert np.isfinite(embedded).all()
    assert not np.allclose(embedded[0], embedded[1], atol=1e-3)


def test_without_any_features_the_history_alone_counts() -> None:
    tower = QueryTower(NOTHING, NOTHING, [6], DIM, dropout=0.0)
    query = make_query() | {"user": {}, "moment": {}}
    embedded = tower(query).numpy()
    assert embedded.shape == (2, DIM)
    assert not np.allclose(embedded[0], embedded[1], atol=1e-3)


def test_hidden_units_are_dropped_in_training_only(tower: QueryTower) -> None:
    at_rest = tower(make_query())
    np.testing.assert_array_equal(tower(make_query()), at_rest)
    assert not np.allclose(tower(make_query(), training=True), at_rest)
