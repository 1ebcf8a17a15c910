"""Queries are embedded from user, moment and the history before them."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training_pipeline.invented import NOTHING
from training_pipeline.retrieval.history import MeanHistory, TransformerHistory
from training_pipeline.retrieval.inputs import Scale, SideInputs, Vocabulary
from training_pipeline.retrieval.query_tower import QueryTower

DIM, LENGTH, LONGEST = 4, 3, 7
USER = SideInputs({"country": Vocabulary(["Mali", "Peru"], 1)}, {}, {})
MOMENT = SideInputs({}, {"user_events_before": Scale(0.0, 1.0)}, {})
VECTORS = np.random.default_rng(0).normal(size=(2, LENGTH, DIM)).astype(np.float32)
MASK = np.array([[True, True, True], [False, True, True]])
INDEX = np.array([[2, 3, 4], [0, 5, 6]], np.int32)
# Minutes and hours between the items, microseconds.
TIMES = np.array([[1, 2, 60, 90], [0, 3, 200, 260]], np.int64) * 60_000_000
# What a hidden layer adds is little at first.
VISIBLE = 1e-5

Query = dict[str, Any]


def make_query(targets: int = LENGTH, **history: np.ndarray) -> Query:
    """Two queries after each of the last `targets` places; of the history, what is not given is as above."""
    usual = {"vectors": VECTORS, "index": INDEX, "mask": MASK, "times": TIMES}
    numbers = np.linspace(0, 1, 2 * LENGTH * 2, dtype=np.float32).reshape(2, LENGTH, 2)
    return {
        "user": {"country": tf.constant([[2], [3]])},
        "moment": {"numeric": tf.constant(numbers[:, -targets:])},
        "untimed": tf.zeros([2, targets], tf.bool),
        "history": {name: tf.constant(values) for name, values in (usual | history).items()},
    }


def make_tower(encoder: str, items: tf.keras.layers.Layer | None = None, **sides: SideInputs) -> QueryTower:
    tf.keras.utils.set_random_seed(0)
    history = (
        MeanHistory(LENGTH)
        if encoder == "mean"
        else TransformerHistory(LONGEST, DIM, blocks=2, heads=2, dropout=0.5, with_mean=True)
    )
    sides = {"user": USER, "moment": MOMENT} | sides
    return QueryTower(**sides, history=history, items=items, widths=[6], embedding_dim=DIM, dropout=0.5)


@pytest.fixture(scope="module", params=["mean", "transformer"])
def tower(request: pytest.FixtureRequest) -> QueryTower:
    return make_tower(request.param)


@pytest.mark.parametrize("targets", [1, LENGTH])
def test_embeds_a_query_after_each_place_asked_for(tower: QueryTower, targets: int) -> None:
    embedded = tower(make_query(targets))
    assert embedded.shape == [2, targets, DIM]
    assert embedded.dtype == tf.float32
    np.testing.assert_allclose(embedded, tower(make_query())[:, -targets:], atol=1e-5)


def test_more_padding_on_the_left_changes_nothing(tower: QueryTower) -> None:
    def pad(values: np.ndarray, value: float) -> np.ndarray:
        widths = [(0, 0), (LONGEST - LENGTH, 0), (0, 0)][: values.ndim]
        return np.pad(values, widths, constant_values=value)

    padded = {
        "vectors": pad(VECTORS, 9.0),
        "index": pad(INDEX, 0),
        "mask": pad(MASK, False),
        "times": pad(TIMES, 0),
    }
    np.testing.assert_allclose(tower(make_query(**padded)), tower(make_query()), atol=1e-5)


def test_what_stands_at_padded_places_is_not_read(tower: QueryTower) -> None:
    changed = VECTORS.copy()
    changed[1, 0] = 9.0
    np.testing.assert_array_equal(tower(make_query(vectors=changed)), tower(make_query()))


def test_the_history_is_read(tower: QueryTower) -> None:
    changed = VECTORS.copy()
    changed[1, 1] += 1.0
    before, after = tower(make_query()).numpy(), tower(make_query(vectors=changed)).numpy()
    np.testing.assert_allclose(after[0], before[0], atol=VISIBLE)
    assert not np.allclose(after[1, 1:], before[1, 1:], atol=1e-3)


def test_later_events_change_no_earlier_query(tower: QueryTower) -> None:
    changed, times = VECTORS.copy(), TIMES.copy()
    changed[:, -1] += 1.0
    times[:, -1] *= 3
    before, after = tower(make_query()).numpy(), tower(make_query(vectors=changed, times=times)).numpy()
    np.testing.assert_allclose(after[:, :-1], before[:, :-1], atol=VISIBLE)
    assert not np.allclose(after[:, -1], before[:, -1], atol=1e-3)


def test_the_order_of_the_past_counts_for_the_transformer_alone() -> None:
    turned = VECTORS[:1, [1, 0, 2]]
    for encoder, counts in (("mean", False), ("transformer", True)):
        tower = make_tower(encoder)
        query, other = make_query(targets=1), make_query(targets=1)
        other["history"]["vectors"] = tf.concat([turned, VECTORS[1:]], axis=0)
        assert np.allclose(tower(other)[0], tower(query)[0], atol=VISIBLE) != counts


def test_times_are_read_by_the_transformer() -> None:
    tower = make_tower("transformer")
    assert not np.allclose(tower(make_query(times=TIMES * 9)), tower(make_query()), atol=1e-4)


@pytest.mark.parametrize("targets", [1, LENGTH])
def test_an_untimed_query_does_not_read_its_time(targets: int) -> None:
    tower, later = make_tower("transformer"), TIMES.copy()
    later[:, -1] *= 9
    untimed = np.zeros((2, targets), bool)
    untimed[:, -1] = True
    one, other = (
        tower({**make_query(targets, times=times), "untimed": tf.constant(untimed)})
        for times in (TIMES, later)
    )
    np.testing.assert_array_equal(other, one)
    timed = tower(make_query(targets)).numpy()
    np.testing.assert_allclose(one[:, :-1], timed[:, :-1], atol=VISIBLE)
    assert not np.allclose(one[:, -1], timed[:, -1], atol=1e-4)


@pytest.mark.parametrize("side", ["user", "moment"])
def test_user_and_moment_are_read(tower: QueryTower, side: str) -> None:
    query = make_query()
    changed = {**query, side: {name: values[::-1] for name, values in query[side].items()}}
    assert not np.allclose(tower(changed), tower(query), atol=1e-4)


def test_each_query_has_its_own_moment(tower: QueryTower) -> None:
    query = make_query()
    numbers = query["moment"]["numeric"].numpy()
    numbers[:, 1] += 1.0
    before, after = (
        tower(query).numpy(),
        tower({**query, "moment": {"numeric": tf.constant(numbers)}}).numpy(),
    )
    np.testing.assert_allclose(after[:, [0, 2]], before[:, [0, 2]], atol=VISIBLE)
    assert not np.allclose(after[:, 1], before[:, 1], atol=1e-4)


def test_query_of_a_new_user_without_history_is_embedded(tower: QueryTower) -> None:
    embedded = tower(make_query(mask=np.zeros_like(MASK))).numpy()
    assert np.isfinite(embedded).all()
    assert not np.allclose(embedded[0], embedded[1], atol=1e-4)


def test_items_of_an_own_table_are_read_by_index_and_not_by_vector() -> None:
    table = tf.keras.layers.Embedding(8, DIM)
    own, given = make_tower("mean", table), make_tower("mean")
    own(make_query())
    given(make_query())
    given.set_weights([weights for weights in own.get_weights() if weights.shape != (8, DIM)])
    from_table = make_query(vectors=table.embeddings.numpy()[INDEX])
    np.testing.assert_allclose(own(make_query()), given(from_table), atol=1e-5)


def test_without_any_features_the_history_alone_counts() -> None:
    tower = make_tower("mean", user=NOTHING, moment=NOTHING)
    query = make_query() | {"user": {}, "moment": {}}
    embedded = tower(query).numpy()
    assert embedded.shape == (2, LENGTH, DIM)
    assert not np.allclose(embedded[0], embedded[1], atol=1e-3)


def test_units_are_dropped_in_training_only(tower: QueryTower) -> None:
    at_rest = tower(make_query())
    np.testing.assert_array_equal(tower(make_query()), at_rest)
    assert not np.allclose(tower(make_query(), training=True), at_rest, atol=1e-4)
