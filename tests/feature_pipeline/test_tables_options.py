"""What a mapping may ask for beyond columns: merged duplicates, outcomes, titles and paths made of others."""

from typing import Any

import pytest
from pydantic import ValidationError

from feature_pipeline.sources.raw import RawTable, RawTables, build_refused
from feature_pipeline.tables import map_tables
from tests.feature_pipeline.invented import Columns, describe_dataset, make_dataset, make_raw

INTERACTIONS = describe_dataset()["interactions"]
MERGE = INTERACTIONS | {"duplicates": "merge"}
TWICE: Columns = {"customer": ["u3"] * 4, "sku": ["a", "b", "a", "a"], "at": ["2024-03-01"] * 4}


def test_equal_events_are_merged_into_the_first_where_the_data_set_says_so() -> None:
    raw = make_raw(events=TWICE | {"device": ["phone", "desk", "desk", None]})
    context = {"context": {"device": {"kind": "categorical"}}}

    tables = map_tables(raw, make_dataset(interactions=MERGE | context))

    columns = ["item_id", "weight", "event_order", "device"]
    assert tables.interactions[columns].to_numpy().tolist() == [
        ["a", 5.0 + 3.0 + 1.0, 0, ["phone"]],
        ["b", 4.0, 1, ["desk"]],
    ]
    assert (tables.merged, tables.left_out) == (2, 0)
    assert tables.quarantine.empty


def test_a_bad_event_takes_no_part_in_a_merge() -> None:
    raw = make_raw(events=TWICE | {"stars": [None, 4.0, 3.0, 1.0]})

    tables = map_tables(raw, make_dataset(interactions=MERGE | {"min_weight": 4}))

    assert tables.interactions[["item_id", "weight"]].to_numpy().tolist() == [["b", 4.0], ["a", 4.0]]
    assert tables.merged == 1
    assert tables.quarantine["row"].tolist() == [2]


def test_the_outcome_of_an_event_is_a_text_of_its_own() -> None:
    outcome = {"review": {"kind": "text", "template": "{device}: {stars}"}}

    events = map_tables(
        make_raw(), make_dataset(interactions=INTERACTIONS | {"outcome": outcome})
    ).interactions

    assert events["review"].tolist() == [": 4", "phone: 3", "desk: 1", "phone: 5"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": {"stars": {"kind": "numeric"}}}, "outcome 'stars' must be of kind text, not numeric"),
        ({"outcome": {"weight": {"kind": "text"}}}, "the name of outcome 'weight' is taken"),
        (
            {"outcome": {"x": {"kind": "text"}}, "context": {"x": {"kind": "numeric"}}},
            "the name of outcome 'x' is taken",
        ),
    ],
)
def test_an_outcome_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_dataset(interactions=INTERACTIONS | changes)


def test_an_item_without_a_title_is_called_by_its_id() -> None:
    tables = map_tables(make_raw(items={"name": ["Blue cup", None]}), make_dataset())

    assert tables.items["title"].tolist() == ["a", "Blue cup"]


def test_a_template_may_lead_to_the_picture() -> None:
    features = {"picture": {"kind": "image", "template": "{kinds:.3}/{sku}.jpg"}}

    items = map_tables(
        make_raw(), make_dataset(items={"key": "sku", "title": "name", "features": features})
    ).items

    assert items["picture"].fillna("-").tolist() == ["-", "cup/b.jpg"]


def test_lines_the_reader_refused_are_kept_in_quarantine() -> None:
    raw = make_raw()
    refused = build_refused([9, 4], ["?!", "x"], ["no row", "none"])
    users = RawTable(raw.users.frame, "users.csv", refused)

    tables = map_tables(RawTables(users, raw.items, raw.interactions), make_dataset())

    assert tables.quarantine.to_numpy().tolist() == [
        ["users", "users.csv", 4, "(whole row)", "x", "none"],
        ["users", "users.csv", 9, "(whole row)", "?!", "no row"],
    ]
