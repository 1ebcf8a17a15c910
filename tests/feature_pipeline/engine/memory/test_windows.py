"""Values over a group's rows so far: worked by hand, and found by DuckDB, too."""

import ibis
import pytest

from tests.feature_pipeline.engine.memory.columns import compute, list_rows

# Of key 1 two rows at instant 2, before and after it one each; of key 2 unknown values first.
TABLE = {
    "row": [0, 1, 2, 3, 4, 5, 6],
    "key": [1, 2, 1, 1, 2, 1, 2],
    "time": [2, 5, 1, 2, 7, 3, 6],
    "value": [10, None, 7, -4, 8, 5, None],
}


def over(table, build, **window) -> dict:
    """One value for each row."""
    found = compute(
        lambda t: t.select("row", found=build(t).over(ibis.range_window(following=0, **window))), given=table
    )
    return dict(list_rows(found))


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda t: t.count(), {2: 1, 0: 3, 3: 3, 5: 4, 1: 1, 6: 2, 4: 3}),
        (lambda t: t.value.count(), {2: 1, 0: 3, 3: 3, 5: 4, 1: 0, 6: 0, 4: 1}),
        (lambda t: t.value.sum(), {2: 7, 0: 13, 3: 13, 5: 18, 1: None, 6: None, 4: 8}),
        (lambda t: t.value.max(), {2: 7, 0: 10, 3: 10, 5: 10, 1: None, 6: None, 4: 8}),
        (lambda t: t.value.min(), {2: 7, 0: -4, 3: -4, 5: -4, 1: None, 6: None, 4: 8}),
        (lambda t: t.value.sum(where=t.value > 0), {2: 7, 0: 17, 3: 17, 5: 22, 1: None, 6: None, 4: 8}),
        (lambda t: t.count(where=t.value > 0), {2: 1, 0: 2, 3: 2, 5: 3, 1: 0, 6: 0, 4: 1}),
        (lambda t: (t.value > 0).sum(), {2: 1, 0: 2, 3: 2, 5: 3, 1: None, 6: None, 4: 1}),
        (lambda t: (t.value > 9).max(), {2: 0, 0: 1, 3: 1, 5: 1, 1: None, 6: None, 4: 0}),
    ],
)
def test_running_values_include_all_of_the_instant(build, expected: dict):
    assert over(TABLE, build, group_by="key", order_by="time") == expected


def test_all_rows_are_one_group_where_none_is_named():
    totals = over(TABLE, lambda t: t.value.sum(), order_by="time")
    assert totals == {2: 7, 0: 13, 3: 13, 5: 18, 1: 18, 6: 18, 4: 26}


def test_unknown_instants_come_last_and_unknown_keys_belong_together():
    table = {"row": [0, 1, 2, 3], "key": [1, 1, None, None], "time": [None, 5, 2, 1], "value": [1, 2, 4, 8]}
    assert over(table, lambda t: t.value.sum(), group_by="key", order_by="time") == {1: 2, 0: 3, 3: 8, 2: 12}


def test_over_whole_groups():
    found = compute(
        lambda t: t.select(
            "row",
            first=t.time.min().over(group_by="key"),
            known=t.value.count().over(ibis.window(group_by="key", order_by="time")),
            distinct=t.value.nunique().over(group_by="key"),
        ),
        given=TABLE,
    )
    assert list_rows(found) == [
        (row, *((1, 4, 4) if key == 1 else (5, 1, 1))) for row, key in enumerate(TABLE["key"])
    ]


def test_rank_and_the_row_before():
    table = {"row": [0, 1, 2, 3], "key": [1, 2, 1, 1], "time": [5, 5, 1, 9], "value": [10, 20, None, 30]}
    in_order = ibis.window(group_by="key", order_by="time")
    found = compute(
        lambda t: t.select("row", before=t.value.lag().over(in_order), rank=ibis.rank().over(in_order)),
        given=table,
    )
    assert list_rows(found) == [(0, None, 1), (1, None, 0), (2, None, 0), (3, 10, 2)]


def test_rows_of_an_instant_share_their_rank():
    found = compute(
        lambda t: t.select("row", rank=ibis.rank().over(ibis.window(group_by="key", order_by="time"))),
        given=TABLE,
    )
    assert dict(list_rows(found)) == {2: 0, 0: 1, 3: 1, 5: 3, 1: 0, 6: 1, 4: 2}


def test_without_rows():
    nothing = {name: [] for name in TABLE}
    for build in (
        lambda t: t.count(),
        lambda t: t.value.sum(),
        lambda t: t.value.max(),
        lambda t: t.time.lag(),
    ):
        assert over(nothing, build, group_by="key", order_by="time") == {}
