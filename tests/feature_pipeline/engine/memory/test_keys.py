"""Keys of several parts as single whole numbers."""

import numpy as np
import pytest

from feature_pipeline.engine.memory.errors import UnsupportedExpressionError
from feature_pipeline.engine.memory.keys import NO_KEY, fit_keys
from tests.feature_pipeline.engine.memory.columns import make


def test_numbers_ascend_with_the_keys_and_lead_back_to_them():
    # Parts from -3 to 5, and from 10 to 12.
    parts = [make(-3, 5, -3, 0), make(10, 12, 12, 11)]
    space = fit_keys(parts)
    numbers = space.number(parts)
    assert numbers.tolist() == [0, 26, 2, 10]
    assert [part.tolist() for part in space.split(numbers)] == [[-3, 5, -3, 0], [10, 12, 12, 11]]


def test_keys_that_nobody_has():
    space = fit_keys([make(1, 2), make(-1, 1)])
    # Each part may lie below or above; the last key is unknown in part.
    asked = [make(0, 3, 1, 1, 2, None), make(0, 0, -2, 2, 0, 0)]
    assert space.number(asked).tolist() == [NO_KEY, NO_KEY, NO_KEY, NO_KEY, 4, NO_KEY]


def test_unknown_keys_do_not_widen_the_space():
    space = fit_keys([make(1, None, 2)])
    assert (space.lows, space.spans) == ((1,), (2,))


def test_without_keys():
    space = fit_keys([make(), make()])
    assert space.number([make(0, 1), make(0, 0)]).tolist() == [0, NO_KEY]
    assert space.number([make(), make()]).tolist() == []


def test_more_keys_than_whole_numbers_are_refused():
    wide = make(0, 2**40)
    with pytest.raises(
        UnsupportedExpressionError,
        match=r"a key of 2 columns takes 1,099,511,627,777 x 1,099,511,627,777 values, more than the engine "
        r"of serving can tell apart. Remedy: join by ids, not by times or amounts",
    ):
        fit_keys([wide, wide])
    assert fit_keys([wide]).number([make(-1, 0, 2**40)]).tolist() == [NO_KEY, 0, 2**40]
    assert fit_keys([wide]).number([wide]).dtype == np.int64
