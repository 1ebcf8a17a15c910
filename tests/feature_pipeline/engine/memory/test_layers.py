"""States in layers: owners to whom something happened since, over all that stood."""

from itertools import pairwise

import numpy as np
import pytest

from feature_pipeline.engine.memory.layers import GROWTH, LayeredStates, is_among, merge
from tests.feature_pipeline.engine.memory.key_states import NONE, draw, find, list_all, order, search

# Of owner 5 three states of two keys.
STATES = order(
    [(5, 2), (-3, 2), (5, 2), (5, 2), (7, -4), (5, -4)],
    [30, 10, 20, 30, 15, 12],
    [300, 100, 200, 300, 150, None],
)


def test_owners_have_the_states_of_their_layer_alone():
    layered = LayeredStates((STATES,)).replace(np.array([5, 9]), order([(5, 2), (9, 1)], [18, 40], [1, 2]))
    keys = [(5, 2), (5, 2), (5, -4), (9, 1), (7, -4), (-3, 2), (9, 9)]
    found = find(layered, keys, [99, 18, 99, 99, 99, 11, 99])
    # Of owner 5 the states with -4 are gone; 7 and -3 stand as they stood.
    assert found == [(18, 1), NONE, NONE, (40, 2), (15, 150), (10, 100), NONE]
    assert find(LayeredStates((STATES,)), [(5, 2)], [99]) == [(30, 300)]


def test_an_owner_may_lose_all_states():
    layered = LayeredStates((STATES,)).replace(np.array([5]), order([], [], []))
    assert find(layered, [(5, 2), (7, -4)], [99, 99]) == [NONE, (15, 150)]


def test_a_layer_grows_into_the_one_beneath():
    rng = np.random.default_rng(0)
    layered = LayeredStates((draw(rng, 50),))
    for owner in range(30):
        layered = layered.replace(np.array([owner]), order([(owner, 0)], [owner], [owner]))
    sizes = [len(layer) for layer in layered.layers[1:]]
    assert sum(sizes) == 30
    assert all(larger >= GROWTH * smaller for larger, smaller in pairwise(sizes))
    assert len(sizes) < 4


@pytest.mark.parametrize("seed", range(6))
def test_equals_a_plain_search(seed: int):
    rng = np.random.default_rng(seed)
    standing = draw(rng, int(rng.integers(0, 60)))
    layered, rows = LayeredStates((standing,)), list_all(standing)
    for _ in range(12):
        owners = np.unique(rng.integers(-3, 9, rng.integers(1, 4)))
        fresh = draw(rng, int(rng.integers(0, 20)), [int(owner) + 2 for owner in owners])
        layered = layered.replace(owners, fresh)
        rows = [row for row in rows if row[0] not in owners] + list_all(fresh)
        keys = [(int(one), int(other)) for one, other in rng.integers(-4, 9, (40, 2))]
        moments = rng.integers(-2, 44, 40).tolist()
        expected = [search(rows, *asked) for asked in zip(keys, moments, strict=True)]
        assert find(layered, keys, moments) == expected


def test_merging_keeps_order_and_what_is_unknown():
    merged = merge(STATES, np.array([7]), order([(7, 1), (0, 0)], [3, 4], [None, 5]))
    assert list_all(merged) == [
        (-3, 2, 10, 100),
        (0, 0, 4, 5),
        (5, -4, 12, None),
        (5, 2, 20, 200),
        (5, 2, 30, 300),
        (7, 1, 3, None),
    ]


def test_among():
    assert is_among(np.array([1, 5, -2, 9]), np.array([-2, 5])).tolist() == [False, True, True, False]
    assert is_among(np.array([1, 5]), np.array([], np.int64)).tolist() == [False, False]
    assert is_among(np.array([], np.int64), np.array([1])).tolist() == []
