"""Filters, variety and search by content together, on the trained bundle of the tiny store."""

import numpy as np
import pytest

from feature_pipeline.encoders import unit_rows
from inference.caps import ItemGroups
from inference.content import ContentSearch
from inference.filters import ItemFilter
from inference.variety import diversify
from tests.tiny_store import BLOCK_OF_ITEM, NUM_ITEMS, UNMET_ITEM

pytestmark = pytest.mark.slow
ITEM = 7


def test_similar_items_among_those_that_a_filter_leaves(bundle):
    tables = bundle.tables
    mask = ItemFilter(tables.items, tables.specs["items"]).compute_mask({"shape": "round"})
    cosines = unit_rows(np.asarray(bundle.item_embeddings)) @ unit_rows(bundle.item_embeddings[[ITEM]])[0]

    found = ContentSearch(bundle).similar(f"item-{ITEM:02}", "tower", NUM_ITEMS, mask, excluded=[3])

    expected = set(np.flatnonzero(BLOCK_OF_ITEM == 0)) - {3, 5, ITEM}  # the shape of item 5 is not known
    assert set(found.items.tolist()) == expected
    np.testing.assert_allclose(found.scores, cosines[found.items], atol=1e-5)
    assert (np.diff(found.scores) <= 0).all()


def test_an_item_without_content_is_not_found_by_content(bundle):
    found = ContentSearch(bundle).similar("item-00", "text", NUM_ITEMS)
    assert len(found.items) == NUM_ITEMS - 2
    assert bundle.tables.items["item_id"].tolist().index(UNMET_ITEM) not in found.items


def test_what_is_found_is_made_various(bundle):
    tables = bundle.tables
    found = ContentSearch(bundle).similar("item-00", "tower", 30)
    caps = ItemGroups(tables.items, tables.specs["items"], tables.item_vectors).cap_columns({"shape": 4})

    places = diversify(found.items, found.scores, 9, 0.3, tables.item_vectors, caps)

    shapes = [shape for item in found.items[places] for shape in tables.items["shape"].iloc[item]]
    # Item 5 has no shape, so that it is the only one beside four round and four square ones.
    assert len(places) == 8 + (5 in found.items[places])
    assert sorted(shapes) == 4 * ["round"] + 4 * ["square"]
