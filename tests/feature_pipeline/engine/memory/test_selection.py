"""Rows that filters, joins and look-ups find."""

import numpy as np

from feature_pipeline.engine.memory.selection import Selection, count_selected, select, take
from tests.feature_pipeline.engine.memory.columns import make, show


def test_rows_are_taken_in_any_order_and_several_times():
    assert show(take(make(5, None, 7), Selection(4, np.array([2, 1, 0, 2])))) == [7, None, 5, 7]


def test_rows_that_are_not_there_are_unknown():
    found = np.array([True, False, True])
    assert show(take(make(5, None), Selection(3, np.array([0, -1, 1]), found))) == [5, None, None]
    assert show(take(make(), Selection(2, np.array([-1, -1]), np.zeros(2, bool)))) == [None, None]


def test_all_rows_are_the_column_itself():
    column = make(5, None)
    assert take(column, Selection(2)) is column


def test_rows_for_which_all_conditions_hold():
    one, other = make(1, 0, None, 1, dtype=bool), make(1, 1, 1, None, dtype=bool)
    # What is unknown does not hold.
    assert show(take(make(5, 6, 7, 8), select(one, other))) == [5]
    assert count_selected(select(one)) == 2
    assert select(make(1, 1, dtype=bool)).rows is None
    assert count_selected(select(make(dtype=bool))) == 0
