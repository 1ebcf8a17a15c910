"""The engine: computations on given rows, nothing left behind, quiet at the end of the process."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature_pipeline.config import EngineConfig
from feature_pipeline.engine import Computation, connect, declare_table
from tests.event_tables import open_engine, whole_numbers


def build_total(name: str) -> Computation:
    table = declare_table(name, "key", "value")
    return Computation(table.group_by("key").aggregate(total=table["value"].sum()))


def test_settings_reach_the_engine():
    engine = connect(EngineConfig(name="duckdb", threads=3, memory_limit="512MiB"))
    settings = engine.con.execute("SELECT current_setting('threads'), current_setting('memory_limit')")
    assert settings.fetchall() == [(3, "512.0 MiB")]


def test_runs_on_the_rows_given_each_time():
    computation = build_total('a "table" of its own')
    for values, totals in (([1, 2, 3], {0: 3, 1: 3}), ([5, 6, 7], {0: 11, 1: 7}), ([], {})):
        rows = whole_numbers(key=[0, 0, 1][: len(values)], value=values)
        computed = computation.run(open_engine(), {'a "table" of its own': rows})
        assert computed.dtypes.astype(str).tolist() == ["int64", "int64"]
        assert dict(computed.itertuples(index=False, name=None)) == totals


def test_nothing_stays_registered():
    engine = open_engine()
    build_total("rows").run(engine, {"rows": whole_numbers(key=[1], value=[1])})
    with pytest.raises(Exception, match="rows"):
        build_total("rows").run(engine, {})
    assert engine.con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_threads_share_an_engine():
    computation = build_total("rows")

    def run(value: int) -> int:
        rows = whole_numbers(key=[0] * 1000, value=[value] * 1000)
        return int(computation.run(open_engine(), {"rows": rows})["total"].iloc[0])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(40))) == [1000 * value for value in range(40)]


KEPT_BY_A_THREAD = """
import threading, time
from feature_pipeline.config import EngineConfig
from feature_pipeline.engine import connect
engine = connect(EngineConfig(name="duckdb", threads=1, memory_limit="512MiB"))
threading.Thread(target=lambda: (engine, time.sleep(60)), daemon=True).start()
"""


def test_a_connection_that_is_never_let_go_is_closed_quietly():
    done = subprocess.run(
        [sys.executable, "-c", KEPT_BY_A_THREAD], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
