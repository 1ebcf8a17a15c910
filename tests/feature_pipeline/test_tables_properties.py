"""Whatever the tables hold: no traceback but a UserError, and no row lost without a trace."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_pipeline.errors import UserError
from feature_pipeline.schema import UNREADABLE_FEATURE
from feature_pipeline.sources.raw import RawTables
from feature_pipeline.tables import ContractTables, map_tables
from tests.feature_pipeline.invented import make_dataset, make_table

IDS = st.sampled_from(["a", "b", "c", "7", "007"])
DIRT = st.sampled_from(
    [None, "", " ", "?", np.nan, np.inf, -np.inf, 1e300, -1, True, "2999-01-01", "\x00", "é"]
)
TIMES = st.sampled_from(
    ["2024-01-01", "2024-01-01T00:00:00Z", "2024-05-06 07:08:09+02:00", 1.7e9, 1700000000]
)
NUMBERS = st.one_of(st.floats(), st.integers(), st.sampled_from(["1", "2.5", "1e999", "nan"]))

FEATURES = {
    "number": {"kind": "numeric"},
    "moment": {"kind": "timestamp"},
    "kinds": {"kind": "categorical", "separator": "|"},
    "words": {"kind": "text", "template": "{kinds} {number}"},
}
CONFIG = make_dataset(
    max_quarantine_share=1.0,
    users={"key": "id", "features": FEATURES},
    items={"key": "id", "title": "kinds", "features": FEATURES},
    interactions={
        "user_id": "user",
        "item_id": "item",
        "event_time": "at",
        "weight": "stars",
        "min_weight": 1,
        "context": {"number": {"kind": "numeric"}},
    },
)


def mostly(clean: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(clean, clean, clean, DIRT)


def columns(length: int, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, list[Any]]]:
    return st.fixed_dictionaries(
        {name: st.lists(cell, min_size=length, max_size=length) for name, cell in strategies.items()}
    )


def put_first(row: dict[str, Any], columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """One clean row on top, so that no column is unreadable as a whole and something is left to keep."""
    return {name: [row[name], *values] for name, values in columns.items()}


@st.composite
def entities(draw: st.DrawFn) -> dict[str, list[Any]]:
    ids = draw(st.lists(mostly(IDS), max_size=6, unique_by=str))
    rest = columns(len(ids), number=mostly(NUMBERS), moment=mostly(TIMES), kinds=mostly(st.text(max_size=4)))
    clean = {"id": "u0", "number": 1.0, "moment": "2024-01-01", "kinds": "cup"}
    return put_first(clean, {"id": ids, **draw(rest)})


@st.composite
def events(draw: st.DrawFn) -> dict[str, list[Any]]:
    cells = {"user": IDS, "item": IDS, "at": TIMES, "stars": NUMBERS, "number": NUMBERS}
    rows = columns(draw(st.integers(0, 12)), **{name: mostly(cell) for name, cell in cells.items()})
    clean = {"user": "u0", "item": "u0", "at": "2024-01-01", "stars": 5.0, "number": 1.0}
    return put_first(clean, draw(rows))


raw_tables = st.builds(
    lambda users, items, interactions: RawTables(
        make_table(users, "users.csv"), make_table(items, "items.csv"), make_table(interactions, "events.csv")
    ),
    entities(),
    entities(),
    events(),
)


def get_rows_set_aside(tables: ContractTables, table: str) -> list[int]:
    lines = tables.quarantine
    return lines.loc[lines["table"].eq(table) & lines["reason"].ne(UNREADABLE_FEATURE), "row"].tolist()


def check_nothing_lost(raw: RawTables, tables: ContractTables) -> None:
    for name, before, after in (("users", raw.users, tables.users), ("items", raw.items, tables.items)):
        aside = get_rows_set_aside(tables, name)
        assert sorted([*after.index, *aside]) == list(before.frame.index)
    aside = get_rows_set_aside(tables, "interactions")
    assert len(set(aside)) == len(aside)
    assert len(tables.interactions) + len(aside) + tables.left_out == len(raw.interactions.frame)


def check_unreadable_features_are_counted(raw: RawTables, tables: ContractTables) -> None:
    names, lines = ["number", "moment"], tables.quarantine
    lost = raw.users.frame.loc[tables.users.index, names].notna() & tables.users[names].isna()
    expected = {(row, name) for name in names for row in lost.index[lost[name]]}
    found = lines[lines["table"].eq("users") & lines["reason"].eq(UNREADABLE_FEATURE)]
    assert sorted(zip(found["row"], found["column"], strict=True)) == sorted(expected)


def check_kept_events_keep_the_contract(tables: ContractTables) -> None:
    kept = tables.interactions
    assert kept["user_id"].isin(tables.users["user_id"]).all()
    assert kept["item_id"].isin(tables.items["item_id"]).all()
    assert kept["event_time"].le(pd.Timestamp.now("UTC").tz_localize(None)).all()
    assert kept["weight"].ge(1).all()
    assert not kept.duplicated(["user_id", "item_id", "event_time"]).any()
    assert kept.set_index(["event_time", "event_order"]).index.is_monotonic_increasing


def try_to_map(raw: RawTables) -> ContractTables | None:
    frames = [table.frame for table in (raw.users, raw.items, raw.interactions)]
    copies = [frame.copy(deep=True) for frame in frames]
    try:
        return map_tables(raw, CONFIG)
    except UserError:
        return None
    finally:
        for frame, copy in zip(frames, copies, strict=True):
            pd.testing.assert_frame_equal(frame, copy)


def test_every_row_is_kept_set_aside_or_left_out() -> None:
    outcomes = []

    @settings(max_examples=40, derandomize=True)
    @given(raw_tables)
    def check(raw: RawTables) -> None:
        tables = try_to_map(raw)
        outcomes.append(tables is not None and not tables.quarantine.empty)
        if tables is not None:
            check_nothing_lost(raw, tables)
            check_unreadable_features_are_counted(raw, tables)
            check_kept_events_keep_the_contract(tables)

    check()

    assert np.mean(outcomes) > 0.5  # most tables were dirty and mapped all the same
