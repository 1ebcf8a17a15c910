"""The reader `tables` on DuckDB files and on a PostgreSQL server of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pydantic import ValidationError

from feature_pipeline.errors import UserError
from feature_pipeline.sources import read_source
from feature_pipeline.tables import ContractTables, map_tables
from tests.feature_pipeline.sources.shop import describe_events, make_config
from tests.postgres_server import start_postgres

SQL = """
create schema shop;
create table shop.orders (
    customer uuid, sku numeric(20, 0), "at" timestamp with time zone, stars double precision, gift boolean
);
insert into shop.orders values
    ('00000000-0000-0000-0000-00000000000b', 12345678901234567890, '2024-03-02 02:00:00+02', 4.5, true),
    ('00000000-0000-0000-0000-00000000000a', 1, '2024-03-01 00:00:00+00', 'nan', false),
    ('00000000-0000-0000-0000-00000000000a', 1, 'infinity', 1, false),
    ('00000000-0000-0000-0000-00000000000a', 1, '2024-03-01 00:00:00+00', 0.1, null);
create table items (sku numeric(20, 0), name text, kinds text[], released date);
insert into items values (12345678901234567890, 'Cup', '{cup,blue}', '2020-01-01'), (1, 'Tree', null, null);
"""
PLACE = {"table": "shop.orders"}
ITEM_FEATURES = {"kinds": {"kind": "categorical"}, "released": {"kind": "timestamp"}}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """URL of a fresh server with the shop in it."""
    with start_postgres() as url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SQL)
        yield url


@pytest.fixture
def duck(tmp_path: Path) -> str:
    with duckdb.connect(str(tmp_path / "written.duckdb")) as connection:
        connection.execute(SQL.replace("'{cup,blue}'", "['cup', 'blue']"))
    # DuckDB calls a database after its file, and this one then has a schema of the same name.
    (tmp_path / "written.duckdb").rename(tmp_path / "shop.duckdb")
    return "shop.duckdb"


@pytest.fixture(params=["duck", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def read_shop(root: Path, database: str) -> ContractTables:
    config = make_config(
        root,
        max_quarantine_share=0.5,
        items={
            "database": database,
            "table": "items",
            "key": "sku",
            "title": "name",
            "features": ITEM_FEATURES,
        },
        interactions=describe_events(database=database, **PLACE),
    )
    return map_tables(read_source(config), config)


def read_error(root: Path, database: str, table: str = "shop.orders", **changes: str) -> str:
    events = describe_events(database=database, table=table) | changes
    with pytest.raises(UserError) as error:
        read_source(make_config(root, items={}, interactions=events))
    return str(error.value)


def test_both_databases_give_the_same_contract(tmp_path: Path, database: str) -> None:
    mapped = read_shop(tmp_path, database)

    events = mapped.interactions
    assert [user[-1] for user in events["user_id"]] == ["a", "b"]
    assert events["item_id"].tolist() == ["1", "12345678901234567890"]
    assert events["weight"].tolist() == [0.1, 4.5]
    assert events["event_time"].tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-02")]
    assert mapped.items["kinds"].tolist() == [[], ["cup", "blue"]]
    assert mapped.items["released"].tolist() == [pd.NaT, pd.Timestamp("2020-01-01")]
    assert sorted(zip(mapped.quarantine["column"], mapped.quarantine["value"].str.lower(), strict=True)) == [
        ("at", "infinity"),
        ("stars", "nan"),
    ]


def test_rows_of_duckdb_keep_their_order(tmp_path: Path, duck: str) -> None:
    mapped = read_shop(tmp_path, duck)

    assert mapped.quarantine["row"].tolist() == [2, 3]
    assert mapped.quarantine["file"].unique().tolist() == [f"{tmp_path / duck} table shop.orders"]


def test_rows_of_postgres_are_sorted_by_their_values(tmp_path: Path, postgres: str) -> None:
    raw = read_source(
        make_config(tmp_path, items={}, interactions=describe_events(database=postgres, **PLACE))
    )

    rows = list(raw.interactions.frame.fillna("").itertuples(index=False))
    assert rows == sorted(rows)
    assert raw.interactions.frame.index.tolist() == [1, 2, 3, 4]


def test_a_missing_table_or_column_is_named(tmp_path: Path, database: str) -> None:
    assert "expected a table or view" in read_error(tmp_path, database, table="shop.order")
    assert "expected a table or view" in read_error(tmp_path, database, table="shops.orders")
    assert "expected one column 'star'" in read_error(tmp_path, database, weight="star")


def test_a_missing_or_broken_duckdb_file_is_named(tmp_path: Path) -> None:
    assert "expected a DuckDB file, found no such file. Remedy: " in read_error(tmp_path, "none.duckdb")
    (tmp_path / "bad.duckdb").write_bytes(b"no database" * 1000)
    assert "expected a DuckDB file" in read_error(tmp_path, "bad.duckdb")


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")

    error = read_error(tmp_path, f"postgresql://owner@/postgres?host={tmp_path}")

    assert "expected a PostgreSQL server that lets you in" in error
    assert "PGPASSWORD or ~/.pgpass" in error


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@host/db",
        "postgres://me:s3c@ret@host/db",
        "postgresql://host/db?password=s3cret",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_told(url: str) -> None:
    with pytest.raises(ValidationError) as error:
        make_config(Path(), interactions=describe_events(database=url, table="t"))

    (detail,) = error.value.errors(include_input=False)
    assert "PGPASSWORD" in detail["msg"]
    assert "s3c" not in detail["msg"]
