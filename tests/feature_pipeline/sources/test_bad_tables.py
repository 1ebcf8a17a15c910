"""500 data sets of bad CSV files: an error with remedy, or all rows kept, set aside, merged or left out."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.errors import UserError
from feature_pipeline.schema import UNREADABLE_FEATURE
from feature_pipeline.sources import read_source
from feature_pipeline.tables import ContractTables, map_tables
from tests.feature_pipeline.sources.bad_tables import Table, tables

FEATURES = {
    "age": {"kind": "numeric"},
    "joined": {"kind": "timestamp"},
    "kinds": {"kind": "categorical", "separator": "|"},
    "words": {"kind": "text", "template": "{kinds} {age}"},
    "picture": {"kind": "image", "template": "images/{kinds:.2}.jpg"},
}


def make_config(
    root: str, users_are_placed: bool, duplicates: str, min_weight: float | None
) -> DatasetConfig:
    users: dict[str, Any] = {"file": "users.csv", "key": "user", "features": FEATURES}
    return DatasetConfig.model_validate(
        {
            "name": "bad",
            "reader": "tables",
            "root": root,
            "max_quarantine_share": 1.0,
            "users": users if users_are_placed else {},
            "items": {"file": "items.csv", "key": "item", "title": "name", "features": FEATURES},
            "interactions": {
                "file": "events.csv",
                "user_id": "user",
                "item_id": "item",
                "event_time": "at",
                "weight": "stars",
                "duplicates": duplicates,
                "min_weight": min_weight,
                "context": {"device": {"kind": "categorical"}},
                "outcome": {"said": {"kind": "text"}},
            },
        }
    )


def count_set_aside(mapped: ContractTables, table: str) -> int:
    lines = mapped.quarantine
    rows = lines.loc[lines["table"].eq(table) & lines["reason"].ne(UNREADABLE_FEATURE), "row"]
    assert rows.is_unique
    return len(rows)


def check_all_rows_are_accounted_for(mapped: ContractTables, files: dict[str, Table], placed: bool) -> None:
    if placed:
        assert len(mapped.users) + count_set_aside(mapped, "users") == files["users"].num_rows
    assert len(mapped.items) + count_set_aside(mapped, "items") == files["items"].num_rows
    kept = len(mapped.interactions) + mapped.left_out + mapped.merged
    assert kept + count_set_aside(mapped, "interactions") == files["events"].num_rows


def classify(error: UserError) -> str:
    """What was expected; checks that the message has a remedy and can be printed."""
    text = str(error).encode().decode()
    assert "Remedy: " in text
    return text.split("expected ")[1].split(",")[0]


@pytest.mark.slow
def test_a_bad_table_ends_in_a_remedy_or_with_every_row_accounted_for() -> None:
    outcomes: Counter[str] = Counter()

    @settings(
        # What is drawn depends a little on the modules that hypothesis finds loaded: enough for all of them.
        max_examples=600,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # making a failure smaller would take longer than all the rest
    )
    @given(
        st.fixed_dictionaries({name: tables(name) for name in ("users", "items", "events")}),
        st.booleans(),
        st.sampled_from(["quarantine", "merge"]),
        st.sampled_from([None, 0.0, 2.0]),
    )
    def check(files: dict[str, Table], placed: bool, duplicates: str, min_weight: float | None) -> None:
        with tempfile.TemporaryDirectory() as root:
            for name, table in files.items():
                (Path(root) / f"{name}.csv").write_bytes(table.content)
            config = make_config(root, placed, duplicates, min_weight)
            try:
                mapped = map_tables(read_source(config), config)
            except UserError as error:
                outcomes[classify(error)] += 1
                return
            check_all_rows_are_accounted_for(mapped, files, placed)
            outcomes["mapped"] += 1
            outcomes["with quarantine"] += not mapped.quarantine.empty
            outcomes["with merged"] += mapped.merged > 0

    check()

    assert outcomes["with quarantine"] > 200
    assert outcomes["with merged"] > 10
    assert len(outcomes) > 10  # errors of many kinds
