"""Spark: every registered feature has the same values as on DuckDB; and what is said where it is missing."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.engine.engine import Engine
from feature_pipeline.engine.spark import SparkMissingError
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.pair_category import PairCategory
from feature_pipeline.features.pair_closeness import PairCloseness
from tests.event_tables import ITEMS, MINUTE, at, build, open_engine, to_queries
from tests.feature_pipeline.engine.looking_up import check_look_up
from tests.feature_pipeline.features.worlds import EVERY_FEATURE, World

needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None, reason="PySpark or Java is not installed"
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    engine = connect(EngineConfig(name="spark", threads=2, memory_limit="1GB"))
    yield engine
    engine._session.stop()


def make_world() -> World:
    """Ties, gaps, single events, window edges to the microsecond, month ends and the leap day."""
    rng = np.random.default_rng(5)
    num_events, num_users, num_queries = 400, 12, 40
    days = rng.choice([0, 1, 7, 8, 30, 31, 37, 58, 59, 60, 67, 365, 366, 390], num_events)
    offsets = rng.choice([-1, 0, 0, 0, 1, 30 * MINUTE, 30 * MINUTE + 1], num_events)
    happened = pd.DataFrame(
        {
            "user_id": rng.integers(0, num_users, num_events),
            "item_id": rng.choice(ITEMS - 1, num_events, p=[0.6, 0.3, 0.09, 0.01]),
            "event_time": [at(day, offset) for day, offset in zip(days, offsets, strict=True)],
            "event_order": range(num_events),
        }
    )
    # Of the last user one event alone; user `num_users` has none.
    is_single = happened["user_id"] == num_users - 1
    happened = happened[~is_single | (is_single.cumsum() == 1)]
    asked = pd.DataFrame(
        {
            "user_id": rng.integers(0, num_users + 1, num_queries),
            "as_of": rng.choice(happened["event_time"], num_queries) + rng.integers(-1, 2, num_queries),
            "as_of_order": rng.integers(0, num_events, num_queries),
        }
    )
    items = pd.DataFrame(
        {
            "item_id": [f"i{item}" for item in range(ITEMS)],
            "genres": [["x"], ["x", "y"], [], ["z", "y", "x"], ["z"]],
            "maker": [["m"], ["n"], ["m"], [], ["n"]],
            "price": [0.1, np.nan, 0.3, 7.7, -1 / 3],
            "year": [1999.0, 2001.0, np.nan, 1980.0, 2001.0],
        }
    )
    return World(items, happened, asked, np.stack([rng.permutation(ITEMS)[:4] for _ in range(num_queries)]))


def is_whole(column: pd.Series) -> bool:
    return bool((column.dropna() % 1 == 0).all())


def check_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Whole numbers exactly, others to 1e-9; unknown where the other is unknown."""
    pd.testing.assert_series_equal(found.dtypes, expected.dtypes)
    whole = [name for name in expected if is_whole(expected[name])]
    pd.testing.assert_frame_equal(found[whole], expected[whole], check_exact=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-12)


@needs_spark
@pytest.mark.slow
def test_finds_the_latest_state_before_each_moment(spark: Engine):
    check_look_up(spark)


@needs_spark
@pytest.mark.slow
def test_every_feature_has_the_values_of_duckdb(spark: Engine):
    world = make_world()
    of_query, of_rows = world.compute_of_query(), world.compute_of_rows()
    assert len(of_rows) == 160
    check_equal(world.compute_of_query(EVERY_FEATURE, spark), of_query)
    check_equal(world.compute_of_rows(EVERY_FEATURE, spark), of_rows)


@needs_spark
@pytest.mark.slow
def test_names_of_item_columns_may_be_odd(spark: Engine):
    names = {"genres": "an odd: `name`", "price": 'a "price"'}
    world, columns = make_world(), Columns((names["genres"],), (names["price"],))
    items, asked = world.items.rename(columns=names), to_queries(world.asked)
    odd, expected = (
        build([PairCategory(), PairCloseness()], world.interactions, items, columns, engine=engine)
        for engine in (spark, open_engine())
    )
    check_equal(
        odd.compute_row_features(asked, world.offered), expected.compute_row_features(asked, world.offered)
    )


def test_without_pyspark_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch):
    for module in ("pyspark", "pyspark.errors", "pyspark.sql"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SparkMissingError, match=r"pip install 'towerbridge\[spark\]', or engine=duckdb"):
        connect(EngineConfig(name="spark", threads=1, memory_limit="1GB"))


BAD_MASTER = """
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.errors import UserError
try:
    connect(EngineConfig(name="spark", threads=1, memory_limit="1GB", master="sparc://nowhere:7077"))
except UserError as error:
    print(error)
"""


@needs_spark
@pytest.mark.slow
def test_a_bad_master_is_named_in_one_line():
    done = subprocess.run([sys.executable, "-c", BAD_MASTER], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith("engine.master='sparc://nowhere:7077': Spark does not start (")
    assert "Remedy: install Java 17 and set JAVA_HOME, or give the URL of a running master" in line


IMPORTS = """
import builtins, sys
real, importers = builtins.__import__, set()
def spy(name, globals=None, *rest):
    if name.split(".")[0] == "pyspark" and globals:
        importers.add(str(globals.get("__name__")).split(".")[0])
    return real(name, globals, *rest)
builtins.__import__ = spy
import feature_pipeline.build
print(sorted(importers - {"pyspark"}))
"""


@pytest.mark.slow
def test_the_pipeline_imports_no_pyspark_of_its_own():
    """Other libraries may; ours waits until engine=spark."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTS],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path.cwd(),
    )
    assert "feature_pipeline" not in done.stdout
