"""What is particular to the event log in a PostgreSQL database."""

from pathlib import Path

import pytest

psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")

from feature_pipeline.events import EventLogError  # noqa: E402
from feature_pipeline.events.postgres import PostgresLog  # noqa: E402
from tests.feature_pipeline.events.invented import make_event  # noqa: E402


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def show(log: PostgresLog, setting: str) -> str:
    ((value,),) = log._connection.execute(f"SHOW {setting}")
    return str(value)


def refuse(url: str) -> str:
    with pytest.raises(EventLogError) as error:
        PostgresLog(url)
    return str(error.value)


def test_another_version_is_refused(postgres: str) -> None:
    PostgresLog(postgres).close()
    run(postgres, "UPDATE towerbridge_events_version SET version = 7")

    assert refuse(postgres) == (
        f"{postgres}: expected an event log of version 1, found version 7. "
        "Remedy: open it with the towerbridge that wrote it, or name another place"
    )


def test_a_table_of_something_else_is_refused_and_left_alone(postgres: str) -> None:
    run(postgres, "CREATE TABLE towerbridge_events (other text)")

    assert 'found: relation "towerbridge_events" already exists. Remedy: check the URL' in refuse(postgres)
    run(postgres, "SELECT other FROM towerbridge_events")


def test_a_database_that_cannot_hold_every_id_is_refused(server: str) -> None:
    run(server, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = server.replace("/postgres?", "/ascii?")

    assert refuse(url) == (
        f"{url}: expected a database in UTF8, which holds any id, found SQL_ASCII. "
        "Remedy: create one with ENCODING 'UTF8' TEMPLATE template0"
    )


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    url = f"postgresql://owner@/postgres?host={tmp_path}"

    error = refuse(url)

    assert error.startswith(f"{url}: expected a PostgreSQL database with an event log, found: connection")
    assert error.endswith(
        "Remedy: check the URL, that the server runs, and the right to create tables; a password comes from "
        "PGPASSWORD or ~/.pgpass"
    )
    assert "\n" not in error


def test_a_commit_is_on_the_disk_and_no_wait_is_endless(postgres: str) -> None:
    with PostgresLog(f"{postgres}%20-csynchronous_commit%3Doff") as log:
        assert show(log, "synchronous_commit") == "on"
        assert show(log, "lock_timeout") == "1min"
        assert show(log, "idle_in_transaction_session_timeout") == "1min"
    with PostgresLog(f"{postgres}%20-csynchronous_commit%3Dremote_apply") as log:
        assert show(log, "synchronous_commit") == "remote_apply"


def test_an_append_sees_what_came_while_it_waited(postgres: str) -> None:
    # With one view of the database for the whole transaction it would not.
    url = f"{postgres}%20-cdefault_transaction_isolation%3Dserializable"
    with PostgresLog(url) as log, log._writing() as cursor:
        assert cursor.execute("SHOW transaction_isolation").fetchone() == ("read committed",)


def test_the_settings_of_the_client_do_not_change_what_is_written(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with PostgresLog(postgres) as log:
        log.append([make_event("🙂")])

        assert [event.event_id for _, event in log.read()] == ["🙂"]


def test_a_broken_connection_is_opened_again(postgres: str) -> None:
    with PostgresLog(postgres) as log:
        log.append([make_event(1)])
        run(postgres, f"SELECT pg_terminate_backend({log._connection.info.backend_pid})")
        with pytest.raises(EventLogError, match="found: terminating connection"):
            log.append([make_event(2)])

        assert log.append([make_event(1), make_event(2)]) == 1
        assert log.count() == 2


def test_a_writer_needs_no_right_but_to_read_and_append(postgres: str) -> None:
    PostgresLog(postgres).close()
    schema = postgres.rpartition("%3D")[2]
    run(
        postgres,
        "CREATE ROLE writer LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO writer",
        "GRANT SELECT, INSERT ON towerbridge_events TO writer",
        "GRANT SELECT ON towerbridge_events_version TO writer",
    )
    with PostgresLog(postgres.replace("owner@", "writer@")) as log:
        assert log.append([make_event(1)]) == 1
        assert log.count() == 1
