"""Columns with unknown values."""

import numpy as np

from feature_pipeline.engine.memory.column import Column, both, compute, join, spread
from tests.feature_pipeline.engine.memory.columns import make, show


def test_what_reads_an_unknown_value_is_unknown():
    summed = compute(lambda a, b, c: a + b + c, make(1, None, 3), make(1, 2, 3), make(None, 2, 3))
    assert show(summed) == [None, None, 9]
    assert compute(np.add, make(1, 2), make(3, 4)).known is None


def test_what_is_known_where_both_are():
    one, other = np.array([True, False]), np.array([True, True])
    assert both(None, None) is None
    assert both(one, None) is one
    assert both(None, other) is other
    assert both(one, other).tolist() == [True, False]


def test_filling_and_holding():
    assert make(1, None).fill(7).tolist() == [1, 7]
    assert make(True, False, None, dtype=bool).holds().tolist() == [True, False, False]
    assert make(True, False, dtype=bool).holds().tolist() == [True, False]


def test_one_value_for_all_rows():
    assert show(spread(Column(np.asarray(5)), 3)) == [5, 5, 5]
    assert show(spread(Column(np.asarray(5), np.asarray(False)), 2)) == [None, None]
    assert show(spread(Column(np.asarray(5)), 0)) == []


def test_one_column_behind_the_other():
    assert join(make(1), make(2, 3)).known is None
    assert show(join(make(1), make(2, 3))) == [1, 2, 3]
    assert show(join(make(1, None), make(2))) == [1, None, 2]
    assert show(join(make(1), make(None, 2))) == [1, None, 2]
