"""Rows that belong together: worked by hand, and found by DuckDB, too."""

import numpy as np
import pytest

from feature_pipeline.engine.memory.joins import get_left, get_right, match_inner, match_left
from tests.feature_pipeline.engine.memory.columns import compute, list_rows, make


def join(how: str, left: dict, right: dict, *keys: str) -> list[tuple]:
    """Rows of `l` and `r`, the columns of the two tables."""
    found = compute(
        lambda one, other: getattr(one, f"{how}_join")(other, [one[k] == other[k] for k in keys]).select(
            "l", "r"
        ),
        one=left,
        other=right,
    )
    return list_rows(found)


ONE = {"key": [3, -1, 3, 7, None], "l": [0, 1, 2, 3, 4]}
OTHER = {"key": [-1, 3, None, 3, 8], "r": [0, 1, 2, 3, 4]}


def test_many_to_many_and_unknown_keys_match_nothing():
    assert join("inner", ONE, OTHER, "key") == [(0, 1), (0, 3), (1, 0), (2, 1), (2, 3)]
    pairs = [(0, 1), (0, 3), (1, 0), (2, 1), (2, 3), (3, None), (4, None)]
    assert join("left", ONE, OTHER, "key") == pairs


def test_two_keys():
    left = {"key": [1, 1, 2, -5, None], "also": [1, 2, 1, -6, 1], "l": [0, 1, 2, 3, 4]}
    right = {"key": [1, 2, 1, -5, 9], "also": [2, 1, None, -6, 9], "r": [0, 1, 2, 3, 4]}
    assert join("inner", left, right, "key", "also") == [(1, 0), (2, 1), (3, 3)]
    assert join("left", left, right, "key", "also") == [(0, None), (1, 0), (2, 1), (3, 3), (4, None)]


@pytest.mark.parametrize("how", ["inner", "left"])
def test_empty_sides(how: str):
    nothing = {"key": [], "l": []}
    assert join(how, nothing, OTHER, "key") == []
    assert join(how, nothing, {"key": [], "r": []}, "key") == []
    without = join(how, ONE, {"key": [], "r": []}, "key")
    assert without == ([(row, None) for row in range(5)] if how == "left" else [])


def test_several_tables_in_a_row():
    found = compute(
        lambda one, two, three: one.inner_join(two, "key").left_join(three, "key").select("l", "m", "r"),
        one={"key": [1, 2, 3], "l": [1, 2, 3]},
        two={"key": [3, 2, 2], "m": [30, 20, 21]},
        three={"key": [2, 2], "r": [200, 201]},
    )
    assert list_rows(found) == [(2, 20, 200), (2, 20, 201), (2, 21, 200), (2, 21, 201), (3, 30, None)]


def test_a_table_with_itself():
    found = compute(
        lambda one: one.inner_join(one.select(key="next", then="l"), "key").select("l", "then"),
        one={"key": [1, 2, 3], "next": [2, 3, 9], "l": [10, 20, 30]},
    )
    assert list_rows(found) == [(20, 10), (30, 20)]


def test_rows_that_match_one_by_one_in_order_are_not_moved():
    for match in (match_inner(make(1, 4, 6), make(1, 4, 6)), match_left(make(1, 4, 6), make(1, 4, 6))):
        assert get_left(match).rows is get_right(match).rows is None
        assert get_left(match).count == get_right(match).count == 3
    # The same keys, but one stands twice, or their order differs.
    assert get_left(match_inner(make(1, 1), make(1, 1))).count == 4
    assert get_right(match_inner(make(2, 1), make(1, 2))).rows.tolist() == [1, 0]


def test_rows_that_match_once_each_stay_on_the_left():
    match = match_left(make(5, 4, 9), make(4, 5))
    assert get_left(match).rows is None
    assert get_right(match).rows[:2].tolist() == [1, 0]
    assert get_right(match).found.tolist() == [True, True, False]
    assert get_right(match_inner(make(5, 4), make(4, 5))).found is None


def test_many_rows():
    rng = np.random.default_rng(1)
    draw = {name: rng.integers(-9, 30, 200).tolist() for name in ("a", "b", "c", "d")}
    left, right = {"key": draw["a"], "also": draw["b"]}, {"key": draw["c"], "also": draw["d"]}
    numbers = {"l": list(range(200))}, {"r": list(range(200))}
    for keys in (("key",), ("key", "also")):
        join("left", left | numbers[0], right | numbers[1], *keys)
