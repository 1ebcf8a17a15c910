"""Small event tables, made so that what goes wrong with time does: ties, window edges, gaps, single events.

Numbers stand for ids and times here, as in the feature expressions; `to_interactions` and `to_queries` turn
them into contract tables.
"""

from collections.abc import Callable
from functools import cache

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from ibis.backends import BaseBackend

from feature_pipeline.config import EngineConfig
from feature_pipeline.engine import Computation, connect, declare_table
from feature_pipeline.point_in_time import LAST_ORDER

DAY = 86_400_000_000
START = pd.Timestamp("2024-01-01").value // 1000

# The last user and the last item have no events at all.
USERS, ITEMS = 3, 5
STRANGER, UNMET = USERS - 1, ITEMS - 1


def repeatable(max_examples: int) -> settings:
    """Hypothesis settings under which every run tries the same examples."""
    return settings(
        max_examples=max_examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@cache
def open_engine(threads: int = 2) -> BaseBackend:
    """One connection for all tests; it holds no state between computations."""
    return connect(EngineConfig(name="duckdb", threads=threads, memory_limit="1GB"))


def compute(expression: Callable[..., ir.Table], *frames: pd.DataFrame) -> pd.DataFrame:
    """Runs a feature expression on frames of whole numbers; the result in order of its first column."""
    computation = _compile(expression, *(tuple(frame.columns) for frame in frames))
    computed = computation.run(open_engine(), {f"table{place}": frame for place, frame in enumerate(frames)})
    return computed.sort_values(next(iter(computed)), ignore_index=True)


@cache
def _compile(expression: Callable[..., ir.Table], *columns: tuple[str, ...]) -> Computation:
    return Computation(
        expression(*(declare_table(f"table{place}", *names) for place, names in enumerate(columns)))
    )


def whole_numbers(**columns: list[int]) -> pd.DataFrame:
    """A frame of int64 columns, also where it has no rows."""
    return pd.DataFrame(columns).astype("int64")


def at(days: float, microseconds: int = 0) -> int:
    """So many days after the start, in microseconds since 1970."""
    return START + round(days * DAY) + microseconds


def moments() -> st.SearchStrategy[int]:
    """Few enough to meet each other, and around the edges of windows of 7 and 30 days to the microsecond."""
    return st.builds(at, st.sampled_from([0, 1, 7, 8, 30, 31, 37]), st.sampled_from([-1, 0, 0, 1]))


@st.composite
def events(draw: st.DrawFn, min_size: int = 0, max_size: int = 14, users: int = STRANGER) -> pd.DataFrame:
    """`user_id, item_id, event_time, event_order` in any order, nobody twice with one item at one moment."""
    one = st.tuples(st.integers(0, users - 1), st.integers(0, UNMET - 1), moments())
    rows = draw(st.lists(one, min_size=min_size, max_size=max_size, unique=True))
    order = draw(st.permutations(range(len(rows))))
    user_id, item_id, event_time = zip(*rows, strict=True) if rows else ([], [], [])
    return whole_numbers(user_id=user_id, item_id=item_id, event_time=event_time, event_order=order)


@st.composite
def queries(draw: st.DrawFn, min_size: int = 1, max_size: int = 4) -> pd.DataFrame:
    """`row, query, user_id, as_of, as_of_order`; a user may ask several times, also at one moment."""
    order = st.one_of(st.integers(0, 14), st.just(LAST_ORDER))
    one = st.tuples(st.integers(0, STRANGER), moments(), order)
    rows = draw(st.lists(one, min_size=min_size, max_size=max_size))
    user_id, as_of, as_of_order = zip(*rows, strict=True) if rows else ([], [], [])
    row = list(range(len(rows)))
    return whole_numbers(row=row, query=row, user_id=user_id, as_of=as_of, as_of_order=as_of_order)


@st.composite
def candidates(draw: st.DrawFn, num_queries: int, width: int = 4) -> np.ndarray:
    """Different item positions for each query [num_queries, width] int32, with -1 in any place."""
    lists = [draw(st.permutations(range(ITEMS)))[:width] for _ in range(num_queries)]
    is_there = draw(st.lists(st.booleans(), min_size=num_queries * width, max_size=num_queries * width))
    offered = np.array(lists, np.int32).reshape(num_queries, width)
    return np.where(np.reshape(is_there, offered.shape), offered, np.int32(-1))


def list_rows(asked: pd.DataFrame, offered: np.ndarray) -> pd.DataFrame:
    """`row, query, user_id, item_id, as_of`: one row for each candidate that is there."""
    query, place = np.nonzero(offered >= 0)
    rows = asked.iloc[query][["query", "user_id", "as_of"]].reset_index(drop=True)
    return rows.assign(row=np.arange(len(query)), item_id=offered[query, place].astype("int64"))


def to_interactions(numbered: pd.DataFrame) -> pd.DataFrame:
    """Events as contract columns: ids are strings, times are datetime64[us]."""
    return pd.DataFrame(
        {
            "user_id": _name("u", numbered["user_id"]),
            "item_id": _name("i", numbered["item_id"]),
            "event_time": numbered["event_time"].to_numpy().astype("datetime64[us]"),
            "event_order": numbered["event_order"].to_numpy(),
        }
    )


def to_queries(asked: pd.DataFrame) -> pd.DataFrame:
    """Queries as contract columns: `user_id, as_of, as_of_order`."""
    return pd.DataFrame(
        {
            "user_id": _name("u", asked["user_id"]),
            "as_of": asked["as_of"].to_numpy().astype("datetime64[us]"),
            "as_of_order": asked["as_of_order"].to_numpy(),
        }
    )


def _name(prefix: str, numbers: pd.Series) -> pd.Series:
    return pd.Series([f"{prefix}{number}" for number in numbers], dtype="str")
