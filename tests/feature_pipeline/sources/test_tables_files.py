"""The reader `tables` on CSV and Parquet files: places, patterns, types, and users nobody listed."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources import read_source
from feature_pipeline.tables import map_tables
from tests.feature_pipeline.sources.shop import describe_events, make_config, write_shop


def read_error(root: Path, file: str) -> str:
    with pytest.raises(SchemaError) as error:
        read_source(make_config(root, interactions=describe_events(file=file)))
    return str(error.value)


def test_csv_files_keep_their_text_and_lines(tmp_path: Path) -> None:
    raw = read_source(make_config(write_shop(tmp_path)))

    assert raw.items.frame.to_dict("index") == {
        2: {"sku": "1", "name": "Blue\ncup"},
        5: {"sku": "2", "name": 'The "tree"'},
    }
    assert raw.items.file == str(tmp_path / "items.csv")
    assert raw.interactions.frame["customer"].to_dict() == {2: "007", 3: "7", 4: "007"}


def test_users_without_a_place_are_those_of_the_events(tmp_path: Path) -> None:
    raw = read_source(make_config(write_shop(tmp_path)))

    assert raw.users.frame.to_dict("index") == {2: {"user_id": "007"}, 3: {"user_id": "7"}}
    assert raw.users.file == str(tmp_path / "events.csv")


def test_items_without_a_place_are_those_of_the_events_and_their_title_is_the_id(tmp_path: Path) -> None:
    config = make_config(write_shop(tmp_path), items={}, max_quarantine_share=0.5)

    assert map_tables(read_source(config), config).items["title"].tolist() == ["1", "2"]


def test_the_shop_becomes_the_contract(tmp_path: Path) -> None:
    config = make_config(write_shop(tmp_path), max_quarantine_share=0.5)

    mapped = map_tables(read_source(config), config)

    events = mapped.interactions
    assert events["user_id"].tolist() == ["007", "7"]
    assert events["event_time"].tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-02")]
    assert mapped.quarantine.drop(columns="value").to_numpy().tolist() == [
        ["interactions", str(tmp_path / "events.csv"), 4, "stars", "value is missing or not readable"]
    ]


def test_refused_lines_go_to_quarantine_and_count_as_bad(tmp_path: Path) -> None:
    write_shop(tmp_path, events="customer,sku,at,stars\n7,1,2024-03-01,5\n7,2\n7,2,2024-03-01,5\n")
    config = make_config(tmp_path, max_quarantine_share=0.34)

    lines = map_tables(read_source(config), config).quarantine

    file, reason = str(tmp_path / "events.csv"), "expected 4 fields, found 2"
    assert lines.to_numpy().tolist() == [["interactions", file, 3, "(whole row)", "7,2", reason]]
    strict = make_config(tmp_path, max_quarantine_share=0.33)
    with pytest.raises(SchemaError, match="found 1 of 3, of which 1 because expected 4 fields, found 2"):
        map_tables(read_source(strict), strict)


def test_several_files_are_read_as_one_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "2.csv").write_text("sku,customer,at,stars\n2,b,2024-01-02,1\nbad\n")
    (tmp_path / "sales" / "1.csv").write_text("customer,sku,at,stars\na,1,2024-01-01,1\n")
    (tmp_path / "sales" / "_note.csv").write_text("nothing")
    (tmp_path / "sales" / "read.me").write_text("nothing")

    for file in ("sales", "sales/*.csv", str(tmp_path / "sales" / "?.csv")):
        table = read_source(make_config(tmp_path, interactions=describe_events(file=file))).interactions
        assert table.frame["customer"].to_dict() == {2: "a", 4: "b"}  # as in `cat sales/*.csv`
        assert table.refused["value"].to_dict() == {5: "bad"}
        assert table.file == str(tmp_path / file)


def test_parquet_keeps_whole_numbers_with_gaps_and_reads_lists_as_categories(tmp_path: Path) -> None:
    events = {
        "customer": pa.array([2**60 + 1, 7, None], pa.int64()),
        "sku": ["1", "1", "1"],
        "at": pa.array([datetime(2024, 3, 1, 12)] * 3, pa.timestamp("ns")),
        "stars": pa.array([Decimal("4.5"), Decimal("1.0"), None], pa.decimal128(5, 2)),
        "other": [1, 2, 3],
    }
    items = {"sku": ["1"], "name": ["Cup"], "kinds": pa.array([["cup", "blue"]], pa.list_(pa.string()))}
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    pq.write_table(pa.table(items), tmp_path / "items.parquet")
    config = make_config(
        tmp_path,
        max_quarantine_share=0.5,
        items={
            **{"file": "items.parquet", "key": "sku", "title": "name"},
            "features": {"kinds": {"kind": "categorical"}},
        },
        interactions=describe_events(file="events.parquet"),
    )

    mapped = map_tables(read_source(config), config)

    assert mapped.interactions["user_id"].tolist() == [str(2**60 + 1), "7"]
    assert mapped.interactions["weight"].tolist() == [4.5, 1.0]
    assert mapped.interactions["event_time"].tolist() == [pd.Timestamp("2024-03-01T12:00")] * 2
    assert mapped.items["kinds"].tolist() == [["cup", "blue"]]
    assert mapped.quarantine["row"].tolist() == [3]


def test_files_whose_types_do_not_fit_together_are_named(tmp_path: Path) -> None:
    write_shop(tmp_path)
    for number, sku in enumerate([["1"], [1]]):
        columns = {"customer": ["a"], "sku": sku, "at": ["2024-01-01"], "stars": [1]}
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")

    assert "expected one type a column in all files" in read_error(tmp_path, "*.parquet")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("none.csv", None, "expected a file, a folder of tables, or a pattern"),
        ("none/*.csv", None, "expected a file, a folder of tables, or a pattern"),
        ("events.xlsx", b"", "expected a file that ends with .csv, .csv.gz, .tsv, .tsv.gz, .parquet, .pq, "),
        ("events.parquet", b"PAR1", "expected a whole Parquet file"),
        ("events.csv.gz", b"customer", "expected a whole gzip file"),
    ],
)
def test_a_file_that_is_no_table_is_named(
    tmp_path: Path, file: str, content: bytes | None, message: str
) -> None:
    write_shop(tmp_path)
    if content is not None:
        (tmp_path / file).write_bytes(content)

    error = read_error(tmp_path, file)

    assert error.startswith(str(tmp_path / file))
    assert message in error
    assert "Remedy: " in error


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            {"file": "a.csv", "database": "a.duckdb", "table": "t"},
            "give file, or database and table, not all",
        ),
        ({"database": "a.duckdb"}, "database and table go together"),
        ({"table": "t"}, "database and table go together"),
        ({"delimiter": ";"}, "delimiter goes with file"),
        ({"database": "mysql://host/db", "table": "t"}, "not mysql://"),
        ({}, "interactions: say where they lie"),
    ],
)
def test_a_table_lies_in_one_place(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_config(Path(), interactions=describe_events(**mapping))


def test_features_need_a_place_to_stand() -> None:
    with pytest.raises(ValidationError, match="users: say where age stand, with file, or with database"):
        make_config(Path(), users={"features": {"age": {"kind": "numeric"}}})


def test_other_readers_know_their_own_places() -> None:
    with pytest.raises(ValidationError, match="items: file and database go with reader tables, not sample"):
        make_config(Path(), reader="sample")
