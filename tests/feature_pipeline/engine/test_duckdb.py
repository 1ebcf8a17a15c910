"""DuckDB: computations on given rows, nothing left behind, quiet at the end of the process."""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.engine.duckdb import DuckDBEngine
from feature_pipeline.engine.engine import Computation, declare_table
from tests.event_tables import open_engine, run_computation, whole_numbers
from tests.feature_pipeline.engine.looking_up import check_look_up


def build_total(name: str) -> Computation:
    table = declare_table(name, "key", "value")
    return Computation({}, table.group_by("key").aggregate(total=table["value"].sum()), "duckdb")


def test_finds_the_latest_state_before_each_moment():
    check_look_up(open_engine())


def test_runs_on_the_rows_given_each_time():
    computation = build_total('a "table" of its own')
    assert computation.sources == ['a "table" of its own']
    for values, totals in (([1, 2, 3], {0: 3, 1: 3}), ([5, 6, 7], {0: 11, 1: 7}), ([], {})):
        rows = whole_numbers(key=[0, 0, 1][: len(values)], value=values)
        computed = run_computation(open_engine(), computation, **{'a "table" of its own': rows})
        assert computed.dtypes.astype(str).tolist() == ["int64", "int64"]
        assert dict(computed.itertuples(index=False, name=None)) == totals


def test_steps_are_computed_in_order_and_read_by_name():
    table = declare_table("rows", "value")
    doubled = table.select(value=table["value"] * 2)
    one, two = declare_table('the "first"', "value"), declare_table("second", "value")
    steps = {'the "first"': doubled, "second": one.select(value=one["value"] + 1)}
    computation = Computation(steps, two.union(one), "duckdb")
    assert computation.sources == ["rows"]
    for values, expected in (([1, 2], [2, 3, 4, 5]), ([5], [10, 11])):
        got = run_computation(open_engine(), computation, rows=whole_numbers(value=values))
        assert sorted(got["value"]) == expected


def test_nothing_stays_registered():
    run_computation(open_engine(), build_total("rows"), rows=whole_numbers(key=[1], value=[1]))
    with pytest.raises(Exception, match="rows"):
        open_engine().run(build_total("rows"), {})


def test_threads_share_an_engine():
    computation = build_total("rows")

    def run(value: int) -> int:
        rows = whole_numbers(key=[0] * 1000, value=[value] * 1000)
        return int(run_computation(open_engine(), computation, rows=rows)["total"].iloc[0])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(40))) == [1000 * value for value in range(40)]


def find_spills() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("towerbridge-duckdb-*"))


def test_spills_beyond_its_memory_and_cleans_up():
    before = find_spills()
    engine = connect(EngineConfig(name="duckdb", threads=1, memory_limit="30MB"))
    assert isinstance(engine, DuckDBEngine)
    (spill,) = find_spills() - before
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({name: rng.integers(0, 2**40, 1_500_000) for name in ("key", "value")})
    table = declare_table("rows", "key", "value")
    # A step holds 1.5 million rows of three numbers, 36 MB: more than the limit.
    step = table.select("key", "value", both=table["key"] + table["value"])
    stored = declare_table("step", "key", "value", "both")
    total = stored.aggregate(total=(stored["both"] - stored["key"] - stored["value"]).abs().sum())
    assert run_computation(engine, Computation({"step": step}, total, "duckdb"), rows=rows)[
        "total"
    ].tolist() == [0]
    assert spill.is_dir()
    del engine
    assert not spill.exists()


KEPT_BY_A_THREAD = """
import tempfile, threading, time, sys
from feature_pipeline.engine.connect import EngineConfig, connect
engine = connect(EngineConfig(name="duckdb", threads=1, memory_limit="512MiB"))
threading.Thread(target=lambda: (engine, time.sleep(60)), daemon=True).start()
"""


def test_an_engine_that_is_never_let_go_ends_quietly_and_leaves_no_folder(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KEPT_BY_A_THREAD],
        capture_output=True,
        text=True,
        check=True,
        env={"TMPDIR": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path.cwd())},
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []
