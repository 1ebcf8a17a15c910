"""Feedback in the contract tables: rows worked by hand, and what is set aside."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.feedback.fold import fold
from feature_pipeline.feedback.read import read_feedback
from feature_pipeline.sources.raw import RawTable, RawTables
from feature_pipeline.tables import map_tables
from tests.feature_pipeline.feedback.shop_feedback import FIRST, act, make_config, write_logs

RATINGS = pd.DataFrame(
    [
        ("ann", "cup", "2024-01-01", 5, "phone"),
        ("ann", "pot", "2024-01-02", 4, "desk"),
        ("bob", "cup", "2024-01-03", 4, "desk"),
        ("bob", "pot", "2024-01-04", 1, "desk"),
    ],
    columns=["user", "item", "time", "stars", "device"],
)
CONFIG = {
    "name": "shop",
    "reader": "movielens",
    "root": "raw",
    "users": {"key": "user", "features": {"age": {"kind": "numeric"}, "job": {"kind": "categorical"}}},
    "items": {
        "key": "item",
        "title": "item",
        "features": {
            "colour": {"kind": "categorical"},
            "about": {"kind": "text"},
            "photo": {"kind": "image"},
        },
    },
    "interactions": {
        "user_id": "user",
        "item_id": "item",
        "event_time": "time",
        "weight": "stars",
        "min_weight": 4,
        "context": {"device": {"kind": "categorical"}},
    },
}


def map_shop(config: DatasetConfig):
    items = pd.DataFrame({"item": ["cup", "pot"], "colour": ["red", "blue"], "about": "x", "photo": "x.png"})
    users = pd.DataFrame({"user": ["ann", "bob"], "age": [30, 40], "job": ["cook", None]})
    raw = RawTables(RawTable(users, "users.csv"), RawTable(items, "items.csv"), RawTable(RATINGS, "r.csv"))
    return map_tables(raw, config)


@pytest.fixture
def folded(tmp_path: Path):
    """Folds some feedback into the shop: tables, and the record."""

    def run(*events, config=CONFIG, **logs):
        feedback, dataset = make_config(tmp_path), DatasetConfig.model_validate(config)
        write_logs(feedback, events, **logs)
        found = fold(map_shop(dataset), read_feedback(feedback), dataset)
        return found.tables, found.record

    return run


def test_where_there_is_no_log_nothing_changes_and_nothing_is_made(tmp_path: Path):
    dataset = DatasetConfig.model_validate(CONFIG)
    tables = map_shop(dataset)
    found = fold(tables, read_feedback(make_config(tmp_path / "none")), dataset)
    after, record = found.tables, found.record
    assert found.ignored.empty
    for name in ("users", "items", "interactions", "quarantine"):
        pd.testing.assert_frame_equal(getattr(after, name), getattr(tables, name))
    assert (record.last_event, record.last_user, record.last_item, dict(record.events)) == (0, 0, 0, {})
    assert record.weight == 4
    assert list(tmp_path.iterdir()) == []


def test_a_like_and_a_click(folded):
    """`min_weight` of ratings leaves neither out, and the mean of the cup's ratings stays near 4."""
    tables, record = folded(act("a", "bob", "pot"), act("b", "bob", "pot", "click", minutes=-0.5))
    new = tables.interactions.tail(2)
    assert new["user_id"].tolist() == ["bob", "bob"]
    assert new["event_type"].tolist() == ["feedback:click", "feedback:like"]
    assert new["event_time"].iloc[1] == FIRST.replace(tzinfo=None)
    assert new["weight"].tolist() == [4, 4]
    assert new["event_order"].tolist() == [2**40 + 2, 2**40 + 1]
    assert list(record.weigh(tables.interactions["event_type"])) == [1, 1, 1, 0.5, 1]
    assert record.events == {"click": 1, "like": 1}
    assert (record.last_event, record.last_event_id) == (2, "b")
    assert tables.interactions["device"].tolist() == [["phone"], ["desk"], ["desk"], ["desk"], ["desk"]]


def test_undone_ones_are_not_there_and_yet_were_read(folded):
    tables, record = folded(act("a", "bob", "pot"), act("b", "bob", "pot", "undo", undoes="a"))
    assert len(tables.interactions) == 3
    assert (record.last_event, dict(record.events)) == (2, {})
    assert tables.quarantine["reason"].tolist() == []


def test_new_users_and_items(folded):
    tables, record = folded(
        act("a", "eve", "jug"),
        users={"eve": {"age": 20, "job": ["cook"]}, "ann": {"age": 99}},
        items={
            "jug": {"colour": "green", "about": "tall", "photo": "../../etc/passwd"},
            "cup": {"about": "y"},
        },
        removed=["jug"],
    )
    users, items = tables.users.set_index("user_id"), tables.items.set_index("item_id")
    assert list(users.index) == ["ann", "bob", "eve"]
    assert (users.loc["eve", "age"], users.loc["eve", "job"]) == (20, ["cook"])
    assert users.loc["ann", "age"] == 30
    jug = items.loc["jug"]
    assert (jug["title"], jug["colour"], jug["about"], pd.isna(jug["photo"])) == (
        "New jug",
        ["green"],
        "tall",
        True,
    )
    assert items.loc["cup", "about"] == "x"
    assert (record.users, record.items, record.last_user, record.last_item) == (1, 1, 2, 3)
    last = tables.interactions.iloc[-1]
    assert (last["user_id"], last["item_id"], last["device"]) == ("eve", "jug", [])
    assert tables.users.index.is_unique
    assert tables.users.dtypes.equals(map_shop(DatasetConfig.model_validate(CONFIG)).users.dtypes)


def test_the_latest_description_of_an_item_counts_and_the_first_profile(folded, tmp_path: Path):
    write_logs(make_config(tmp_path), users={"eve": {"age": 1}}, items={"jug": {"about": "old"}})
    tables, _ = folded(users={"eve": {"age": 2}}, items={"jug": {"about": "new"}})
    assert tables.users.set_index("user_id").loc["eve", "age"] == 1
    assert tables.items.set_index("item_id").loc["jug", "about"] == "new"


def test_what_nobody_knows_is_set_aside(folded, tmp_path: Path):
    far = act("c", "ann", "cup", minutes=60 * 24 * 365 * 4000)
    seen = act(
        "d",
        "ann",
        "cup",
        minutes=(np.datetime64("2024-01-01") - np.datetime64("2024-06-03T12:00")) / np.timedelta64(1, "m"),
    )
    tables, record = folded(
        act("a", "eve", "cup"), act("b", "ann", "jug"), far, seen, users={"zoe": {"age": "old", "shoe": 3}}
    )
    aside = tables.quarantine
    assert aside[["table", "row", "column", "value", "reason"]].to_numpy().tolist() == [
        ["interactions", 1, "user_id", "eve", "user_id is not in users"],
        ["interactions", 2, "item_id", "jug", "item_id is not in items"],
        ["interactions", 3, "event_time", str(far.event_time.replace(tzinfo=None)), "lies in the future"],
        [
            "interactions",
            4,
            "user_id, item_id, event_time",
            "cup",
            "same user, item and time as an earlier row",
        ],
        ["users", 1, "age", "old", "value is not readable and counts as missing; the row is kept"],
    ]
    assert aside["file"].tolist() == [str(tmp_path / "events.sqlite")] * 4 + [str(tmp_path / "users.sqlite")]
    assert len(tables.interactions) == 3
    assert record.last_event == 4
    assert np.isnan(tables.users.set_index("user_id").loc["zoe", "age"])


def test_events_of_one_instant_stand_a_microsecond_apart(folded):
    tables, _ = folded(
        act("a", "bob", "pot", "click"), act("b", "bob", "pot"), act("c", "bob", "pot", "click")
    )
    new = tables.interactions.tail(3)
    assert new["event_type"].str[-5:].tolist() == ["click", ":like", "click"]
    assert (new["event_time"].diff().dropna() == pd.Timedelta(microseconds=1)).all()


def test_where_users_are_ids_alone_events_make_them_known(folded):
    users = {"key": "user", "features": {}}
    tables, record = folded(act("a", "eve", "cup"), config=CONFIG | {"users": users})
    assert tables.users["user_id"].tolist() == ["ann", "bob", "eve"]
    assert record.events == {"like": 1}
