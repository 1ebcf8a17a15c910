"""Items are embedded from id and content, and from content alone where the id is unknown or hidden."""

import numpy as np
import pytest
import tensorflow as tf

from tests.tiny_store import NUM_ITEMS
from tests.training_pipeline.invented import NOTHING
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX, CandidateTower
from training_pipeline.retrieval.inputs import UNKNOWN

DIM = 4
# A share of one is no share of ids to hide.
ALL = 1 - 1e-6
Items = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def items(prepared: Prepared) -> Items:
    return prepared.inputs.encode_items(prepared.tables.items, prepared.tables.item_vectors)


def make_tower(prepared: Prepared, id_dropout: float = 0.0, dropout: float = 0.0) -> CandidateTower:
    return CandidateTower(prepared.inputs.item, NUM_ITEMS, [6], DIM, id_dropout, dropout)


def copy_row(items: Items, source: int, to: int) -> Items:
    """The items with the features of one row written over another's."""
    copied = {name: values.copy() for name, values in items.items()}
    for values in copied.values():
        values[to] = values[source]
    return copied


def test_embeds_every_item(prepared: Prepared, items: Items) -> None:
    embedded = make_tower(prepared)(items)
    assert embedded.shape == [NUM_ITEMS, DIM]
    assert embedded.dtype == tf.float32
    assert np.isfinite(embedded).all()


def test_an_item_does_not_depend_on_the_batch(prepared: Prepared, items: Items) -> None:
    tower = make_tower(prepared)
    alone = [tower({name: values[[row]] for name, values in items.items()})[0] for row in range(NUM_ITEMS)]
    np.testing.assert_allclose(tower(items), alone, atol=1e-6)


def test_unknown_items_are_told_apart_by_content(prepared: Prepared, items: Items) -> None:
    embedded = make_tower(prepared)(items).numpy()
    assert items[ITEM_INDEX][18] == items[ITEM_INDEX][38] == UNKNOWN
    assert not np.allclose(embedded[18], embedded[38], atol=1e-5)


def test_unknown_items_with_the_same_content_are_the_same(prepared: Prepared, items: Items) -> None:
    embedded = make_tower(prepared)(copy_row(items, source=18, to=38)).numpy()
    np.testing.assert_array_equal(embedded[18], embedded[38])


def test_known_items_with_the_same_content_differ_by_id(prepared: Prepared, items: Items) -> None:
    copied = copy_row(items, source=0, to=1)
    copied[ITEM_INDEX][1] = items[ITEM_INDEX][1]
    embedded = make_tower(prepared)(copied).numpy()
    assert not np.allclose(embedded[0], embedded[1], atol=1e-5)


def test_hidden_ids_are_embedded_as_unknown(prepared: Prepared, items: Items) -> None:
    tower = make_tower(prepared, id_dropout=ALL)
    nameless = {**items, ITEM_INDEX: np.full(NUM_ITEMS, UNKNOWN, np.int32)}
    np.testing.assert_array_equal(tower(items, training=True), tower(nameless, training=True))


def test_ids_are_hidden_in_training_only(prepared: Prepared, items: Items) -> None:
    tower = make_tower(prepared, id_dropout=ALL)
    shown = make_tower(prepared, id_dropout=0.0)
    shown(items)
    tower(items)
    tower.set_weights(shown.get_weights())
    np.testing.assert_array_equal(tower(items, training=False), shown(items, training=True))


def test_the_share_of_hidden_ids_is_the_one_asked_for(prepared: Prepared, items: Items) -> None:
    tower = make_tower(prepared, id_dropout=0.3)
    many = {name: np.repeat(values[:1], 2000, axis=0) for name, values in items.items()}
    tf.random.set_seed(0)
    in_training, at_rest = tower(many, training=True).numpy(), tower(many).numpy()
    # Three standard deviations of a binomial share.
    assert np.mean((in_training != at_rest).any(axis=1)) == pytest.approx(0.3, abs=0.031)


def test_items_without_features_are_their_ids(prepared: Prepared) -> None:
    tower = CandidateTower(NOTHING, 4, [6], DIM, id_dropout=0.0, dropout=0.0)
    embedded = tower({ITEM_INDEX: tf.constant([2, 3, 2])}).numpy()
    assert embedded.shape == (3, DIM)
    np.testing.assert_array_equal(embedded[0], embedded[2])
    assert not np.allclose(embedded[0], embedded[1], atol=1e-5)
