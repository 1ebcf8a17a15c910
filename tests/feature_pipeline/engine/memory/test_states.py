"""States: the latest of a key strictly before a moment, against a plain search."""

import numpy as np
import pytest

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.groups import group
from feature_pipeline.engine.memory.states import find_before, locate, order_states, read_state
from tests.feature_pipeline.engine.memory.columns import make, show
from tests.feature_pipeline.engine.memory.key_states import NONE, draw, find, list_all, order, search

# Two states of the key (5, 2), told twice at time 30; negative parts; a value that is not known.
STATES = order(
    [(5, 2), (-3, 2), (5, 2), (5, 2), (7, -4), (5, -4)],
    [30, 10, 20, 30, 15, 12],
    [300, 100, 200, 300, 150, None],
)


def test_states_are_ordered_by_key_and_time_once_each():
    assert len(STATES) == 5
    assert show(STATES.columns["time"]) == [10, 12, 20, 30, 15]
    assert list(STATES.columns) == ["time", "value"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(20, NONE), (21, (20, 200)), (30, (20, 200)), (31, (30, 300)), (10**9, (30, 300)), (-5, NONE)],
)
def test_finds_the_latest_strictly_before(moment: int, expected: tuple):
    assert find(STATES, [(5, 2)], [moment]) == [expected]


def test_finds_each_its_own():
    keys = [(7, -4), (5, 2), (-3, 2), (5, -4), (5, 2)]
    assert find(STATES, keys, [99, 25, 11, 99, 0]) == [(15, 150), (20, 200), (10, 100), (12, None), NONE]


def test_keys_without_states():
    # No such pair, parts below and above all, unknown parts and moments.
    keys = [(7, 2), (-9, 2), (5, 9), (8, -4), (5, -9), (None, 2), (5, None), (5, 2)]
    assert find(STATES, keys, [99] * 7 + [None]) == [NONE] * 8


def test_states_of_unknown_keys_and_instants_are_never_found():
    states = order([(1, 1), (None, 1), (1, None), (1, 1)], [5, 5, 5, None], [1, 2, 3, 4])
    assert len(states) == 1
    assert find(states, [(1, 1), (None, 1), (1, 0)], [9, 9, 9]) == [(5, 1), NONE, NONE]


def test_without_states_or_questions():
    nothing = order([], [], [])
    assert find(nothing, [(1, 2), (0, 0)], [5, 5]) == [NONE, NONE]
    found = find_before(STATES, locate(STATES, make(), make()), make())
    assert show(read_state(found, "value")) == []


@pytest.mark.parametrize("seed", range(6))
def test_equals_a_plain_search(seed: int):
    rng = np.random.default_rng(seed)
    states = draw(rng, int(rng.integers(1, 120)))
    keys = [(int(one), int(other)) for one, other in rng.integers(-4, 9, (80, 2))]
    moments = rng.integers(-2, 44, 80).tolist()
    rows = list_all(states)
    assert find(states, keys, moments) == [search(rows, *asked) for asked in zip(keys, moments, strict=True)]


def test_states_may_hold_any_kind_of_number():
    parts, when = make(1, 1), make(5, 9)
    columns = (Column(np.array([0.5, 1.5])), Column(np.array([True, False])))
    instants = group(2, parts, when)
    states = order_states(("share", "is"), 1, instants, parts, when, *columns)
    found = find_before(states, locate(states, make(1, 1)), make(9, 10))
    assert show(read_state(found, "share")) == [0.5, 1.5]
    assert show(read_state(found, "is")) == [True, False]
