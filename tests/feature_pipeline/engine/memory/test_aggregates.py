"""Counts, sums and extremes of groups."""

import ibis
import numpy as np
import pytest

from feature_pipeline.engine.memory.aggregates import (
    add_up,
    count,
    count_distinct,
    find_greatest,
    find_least,
    find_limits,
    keep_where,
)
from feature_pipeline.engine.memory.groups import group
from tests.feature_pipeline.engine.memory.columns import compute, list_rows, make, show

# Two known values, none, and one beside an unknown one.
TABLE = {"key": [3, 1, 3, 2, 2], "value": [5, None, -7, 4, None]}


def test_unknown_values_do_not_count():
    found = compute(
        lambda t: t.group_by("key").aggregate(
            rows=t.count(),
            known=t.value.count(),
            total=t.value.sum(),
            greatest=t.value.max(),
            least=t.value.min(),
            distinct=t.value.nunique(),
        ),
        given=TABLE,
    )
    assert list_rows(found) == [
        (1, 1, 0, None, None, None, 0),
        (2, 2, 1, 4, 4, 4, 1),
        (3, 2, 2, -2, 5, -7, 2),
    ]
    assert found.dtypes.astype(str).tolist() == ["int64"] * 3 + ["float64"] * 3 + ["int64"]


def test_what_a_filter_leaves_out_does_not_count():
    found = compute(
        lambda t: t.group_by("key").aggregate(
            rows=t.count(where=t.value > 0),
            known=t.value.count(where=t.key > 1),
            total=t.value.sum(where=t.value > 0),
            greatest=t.value.max(where=t.value < 0),
            least=t.value.min(where=t.key == 2),
            distinct=t.value.nunique(where=t.value > 0),
        ),
        given=TABLE,
    )
    assert list_rows(found) == [
        (1, 0, 0, None, None, None, 0),
        (2, 1, 1, 4, None, 4, 1),
        (3, 1, 2, 5, -7, None, 1),
    ]


def test_an_unknown_key_is_a_group_of_its_own():
    found = compute(
        lambda t: t.group_by("key").aggregate(total=t.value.sum()),
        given={"key": [1, None, None], "value": [1, 2, 3]},
    )
    assert list_rows(found) == [(1, 1), (None, 5)]


def test_keys_and_results_may_be_computed():
    found = compute(
        lambda t: t.group_by(half=(t.key // 2)).aggregate(share=t.value.sum() / t.count() + 1), given=TABLE
    )
    assert list_rows(found) == [(0, None), (1, 1.5)]


def test_without_rows():
    found = compute(
        lambda t: t.group_by("key").aggregate(rows=t.count(), total=t.value.sum(), some=t.value.nunique()),
        given={"key": [], "value": []},
    )
    assert list_rows(found) == []
    assert found.dtypes.astype(str).tolist() == ["int64"] * 4


def test_truth_values():
    found = compute(
        lambda t: t.group_by("key").aggregate(
            total=(t.value > 0).sum(), some=(t.value > 0).max(), all=(t.value > 0).min()
        ),
        given=TABLE,
    )
    assert list_rows(found) == [(1, None, None, None), (2, 1, 1, 1), (3, 1, 1, 0)]


def test_floats_and_what_is_no_number():
    # 0 / 0 is greater than all else.
    found = compute(
        lambda t: t.group_by("key").aggregate(greatest=(t.value / t.by).max(), least=(t.value / t.by).min()),
        given={"key": [1, 1, 2, 2, 3], "value": [1, 3, 0, 1, 0], "by": [2, 2, 0, 2, 0]},
    )
    assert list_rows(found) == [(1, 1.5, 0.5), (2, None, 0.5), (3, None, None)]


def test_many_groups_at_once():
    rng = np.random.default_rng(0)
    compute(
        lambda t: t.group_by("key").aggregate(
            total=t.value.sum(), greatest=t.value.max(), distinct=t.value.nunique(), rows=ibis._.count()
        ),
        given={"key": rng.integers(0, 50, 500).tolist(), "value": rng.integers(-9, 9, 500).tolist()},
    )


def test_a_sum_of_known_values_is_known():
    groups = group(3, make(1, 1, 2))
    for aggregate in (count, count_distinct, add_up, find_greatest, find_least):
        assert aggregate(groups, make(1, 2, 3)).known is None


def test_conditions_add_to_what_is_unknown():
    kept = keep_where(make(1, 2, None, 4), make(1, 0, 1, None, dtype=bool))
    assert show(kept) == [1, None, None, None]


@pytest.mark.parametrize(
    ("dtype", "limits"),
    [(np.int64, (-(2**63), 2**63 - 1)), (np.float64, (-np.inf, np.inf)), (np.bool_, (False, True))],
)
def test_limits(dtype: type, limits: tuple):
    assert find_limits(np.dtype(dtype)) == limits
