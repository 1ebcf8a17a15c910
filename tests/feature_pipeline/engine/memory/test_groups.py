"""Rows that share a key."""

import numpy as np

from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.groups import (
    count_groups,
    divide,
    group,
    repeat_for_rows,
    select_first,
    sort_rows,
)
from feature_pipeline.engine.memory.selection import take
from tests.feature_pipeline.engine.memory.columns import make, show


def test_the_first_key_counts_most_and_unknown_ones_come_last():
    one, other = make(2, 1, None, 1, 2), make(5, None, 0, 3, 4)
    order = sort_rows(5, one, other)
    assert order.tolist() == [3, 1, 4, 0, 2]


def test_rows_in_order_stay_as_they_are():
    assert sort_rows(4, make(1, 1, 2, 2), make(3, 3, 1, None)) is None
    assert sort_rows(1, make(1)) is None
    assert sort_rows(0, make()) is None
    assert sort_rows(3) is None


def test_rows_are_grouped_by_the_first_of_the_keys_they_are_sorted_by():
    key, time = make(2, 1, 2, None, None), make(5, 9, 3, 1, 1)
    groups = divide(5, sort_rows(5, key, time), key)
    assert groups.arrange(time.values).tolist() == [9, 3, 5, 1, 1]
    assert groups.starts.tolist() == [0, 1, 3]
    assert groups.of_row.tolist() == [1, 0, 1, 2, 2]
    assert count_groups(groups) == 3
    assert show(take(key, select_first(groups))) == [1, 2, None]
    assert show(repeat_for_rows(make(10, 20, None), groups)) == [20, 10, 20, None, None]


def test_without_keys_all_rows_are_one_group():
    groups = group(3)
    assert groups.starts.tolist() == [0]
    assert groups.of_row.tolist() == [0, 0, 0]


def test_without_rows_there_are_no_groups():
    for groups in (group(0), group(0, make())):
        assert count_groups(groups) == 0
        assert groups.of_row.tolist() == []
        assert show(repeat_for_rows(make(), groups)) == []


def test_truth_values_are_keys_too():
    assert group(3, make(True, False, None, dtype=bool)).of_row.tolist() == [1, 0, 2]


def test_what_lies_under_an_unknown_key_does_not_matter():
    key = Column(np.array([1, 7, 8]), np.array([True, False, False]))
    assert group(3, key).of_row.tolist() == [0, 1, 1]
