"""Missing values, quantiles and quarantine, on tables small enough to count by hand."""

import numpy as np
import pandas as pd

from feature_pipeline.profile.summaries import (
    EXAMPLES_A_GROUP,
    EXAMPLES_SHOWN,
    GROUPS_SHOWN,
    MissingShare,
    describe_quarantine,
    describe_table,
)
from feature_pipeline.schema import QUARANTINE_COLUMNS, FeatureSpec
from feature_pipeline.tables import Quarantine

SPECS = [
    FeatureSpec("kinds", "candidate", "categorical"),
    FeatureSpec("price", "candidate", "numeric"),
    FeatureSpec("blurb", "candidate", "text"),
    FeatureSpec("empty", "candidate", "numeric"),
]
ITEMS = pd.DataFrame(
    {
        "item_id": ["a", "b", "c", "d"],
        "title": ["Apple", "", "Cup", "Door"],
        "kinds": [np.array(["x", "y"], dtype=object), np.array([], dtype=object), None, np.array(["x"])],
        "price": [1.0, np.nan, 3.0, 2.0],
        "blurb": ["", None, None, None],
        "empty": np.nan,
    }
)
VECTORS = {"blurb_embedding": np.array([[1, 0], [0, 0], [0, -1], [2, 2]], np.float32)}


def quarantine(*rows):
    return pd.DataFrame(rows, columns=list(QUARANTINE_COLUMNS))


def test_missing_values_of_every_kind_of_column():
    missing = describe_table("items", ITEMS, SPECS, VECTORS).missing
    assert missing == [
        MissingShare("item_id", 0, 0.0),
        MissingShare("title", 1, 0.25),
        MissingShare("kinds", 2, 0.5),
        MissingShare("price", 1, 0.25),
        MissingShare("blurb", 3, 0.75),
        MissingShare("empty", 4, 1.0),
        MissingShare("blurb_embedding", 1, 0.25),
    ]


def test_quantiles_of_what_is_there():
    price, empty = describe_table("items", ITEMS, SPECS, {}).numbers
    assert price.name == "price"
    assert price.quantiles == {"min": 1.0, "1 %": 1.02, "median": 2.0, "99 %": 2.98, "max": 3.0}
    assert price.missing == 0.25
    assert (empty.quantiles, empty.missing) == ({}, 1.0)


def test_quantiles_of_whole_numbers():
    frame = pd.DataFrame({"n": np.arange(101)})
    (number,) = describe_table("events", frame, [FeatureSpec("n", "query", "numeric")], {}).numbers
    assert list(number.quantiles.values()) == [0, 1, 50, 99, 100]


def test_no_quarantine():
    told = describe_quarantine(Quarantine().build_table())
    assert (told.total, told.num_groups, len(told.groups), len(told.examples)) == (0, 0, 0, 0)


def test_faults_are_counted_and_the_commonest_come_first():
    events = [("interactions", "e.csv", row, "at", "never", "late") for row in range(5)]
    item = ("items", "i.csv", 7, "photo", None, "no file")
    told = describe_quarantine(quarantine(item, *events))
    assert told.total == 6
    assert told.groups.to_dict("records") == [
        {"table": "interactions", "column": "at", "reason": "late", "count": 5},
        {"table": "items", "column": "photo", "reason": "no file", "count": 1},
    ]
    assert list(told.examples["row"]) == [*range(EXAMPLES_A_GROUP), 7]


def test_many_faults_are_cut_and_counted():
    rows = [("items", "i.csv", row, "photo", "x", f"why {row // 2}") for row in range(4 * GROUPS_SHOWN)]
    told = describe_quarantine(quarantine(*rows))
    assert (told.num_groups, len(told.groups)) == (2 * GROUPS_SHOWN, GROUPS_SHOWN)
    assert len(told.examples) == EXAMPLES_SHOWN
