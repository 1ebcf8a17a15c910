"""Small event tables, made so that what goes wrong with time does: ties, window edges, gaps, single events.

Hand-worked tests name users and items (`happen`, `ask`, `compute`). Generated tables hold whole numbers;
`to_interactions` and `to_queries` turn them into contract tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.engine.engine import Computation, Engine
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Feature
from feature_pipeline.point_in_time import LAST_ORDER

MINUTE = 60_000_000
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
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@cache
def open_engine(threads: int = 2) -> Engine:
    """One engine for all tests; it holds no state between computations."""
    return connect(EngineConfig(name="duckdb", threads=threads, memory_limit="1GB"))


def whole_numbers(**columns: Sequence[int]) -> pd.DataFrame:
    """A frame of int64 columns, also where it has no rows."""
    return pd.DataFrame(columns).astype("int64")


def to_arrays(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of a frame, as engines read them."""
    return {str(name): values.to_numpy() for name, values in frame.items()}


def run_computation(engine: Engine, computation: Computation, **tables: pd.DataFrame) -> pd.DataFrame:
    """Computes the result on frames."""
    given = {name: to_arrays(table) for name, table in tables.items()}
    return pd.DataFrame(engine.run(computation, given))


def at(days: float, microseconds: int = 0) -> int:
    """So many days after the start, in microseconds since 1970."""
    return START + round(days * DAY) + microseconds


def at_date(text: str) -> int:
    """An ISO date or time in microseconds since 1970."""
    return int(np.datetime64(text, "us").astype(np.int64))


def happen(*rows: tuple[str, str, int], weight: float | Sequence[float] = 1.0) -> pd.DataFrame:
    """Interactions of (user, item, time), in the order of their source."""
    user_id, item_id, event_time = zip(*rows, strict=True) if rows else ([], [], [])
    return pd.DataFrame(
        {
            "user_id": pd.Series(user_id, dtype="str"),
            "item_id": pd.Series(item_id, dtype="str"),
            "event_time": np.array(event_time, np.int64).astype("datetime64[us]"),
            "event_order": range(len(rows)),
            "weight": np.broadcast_to(np.float64(weight), len(rows)),
        }
    )


def ask(*rows: tuple[str, int] | tuple[str, int, int]) -> pd.DataFrame:
    """Queries of (user, as_of) or (user, as_of, as_of_order)."""
    user_id, as_of, as_of_order = zip(*((*row, 0)[:3] for row in rows), strict=True) if rows else ([], [], [])
    return pd.DataFrame(
        {
            "user_id": pd.Series(user_id, dtype="str"),
            "as_of": np.array(as_of, np.int64).astype("datetime64[us]"),
            "as_of_order": np.array(as_of_order, np.int64),
        }
    )


def build(
    features: Sequence[Feature],
    happened: pd.DataFrame,
    items: pd.DataFrame,
    columns: Columns | None = None,
    vectors: Mapping[str, np.ndarray] | None = None,
    engine: Engine | None = None,
) -> FeatureBuilder:
    """A builder of these features on DuckDB, or the engine given."""
    chosen = columns or Columns()
    return FeatureBuilder.of_table(
        engine or open_engine(), list(features), chosen, items, happened, vectors or {}, {}
    )


def compute(
    feature: Feature, happened: pd.DataFrame, asked: pd.DataFrame, *offered: str, **described: object
) -> pd.DataFrame:
    """The columns of one feature: a row for each query, or for each item offered to each query.

    Args:
        feature: which.
        happened: see `happen`.
        asked: see `ask`.
        offered: item names, the same for every query.
        described: see `describe_items`.
    """
    names = list(dict.fromkeys([*described, *happened["item_id"], *offered]))
    items, columns = describe_items(names, described)
    builder = build([feature], happened, items, columns)
    if feature.is_of_query:
        return builder.compute_query_features(asked)
    positions = np.array([names.index(name) for name in offered], np.int64)
    return builder.compute_row_features(asked, np.tile(positions, (len(asked), 1)))


def describe_items(names: Sequence[str], described: Mapping[str, object]) -> tuple[pd.DataFrame, Columns]:
    """Items with a category `colours` and a number `price`, where the description of each gives them.

    Args:
        names: of all items.
        described: by name a list of colours, or a price.
    """
    colours = [value if isinstance(value := described.get(name), list) else [] for name in names]
    prices = [value if isinstance(value := described.get(name), float) else np.nan for name in names]
    items = pd.DataFrame({"item_id": pd.Series(names, dtype="str"), "colours": colours, "price": prices})
    return items, Columns(categories=("colours",), numbers=("price",))


def moments() -> st.SearchStrategy[int]:
    """Few enough to meet each other, and around the edges of windows of 7 and 30 days to the microsecond."""
    return st.builds(at, st.sampled_from([0, 1, 7, 8, 30, 31, 37]), st.sampled_from([-1, 0, 0, 1]))


@st.composite
def events(
    draw: st.DrawFn,
    min_size: int = 0,
    max_size: int = 14,
    users: int = STRANGER,
    times: st.SearchStrategy[int] | None = None,
) -> pd.DataFrame:
    """`user_id, item_id, event_time, event_order` in any order, nobody twice with one item at one moment."""
    one = st.tuples(
        st.integers(0, users - 1), st.integers(0, UNMET - 1), moments() if times is None else times
    )
    rows = draw(st.lists(one, min_size=min_size, max_size=max_size, unique=True))
    order = draw(st.permutations(range(len(rows))))
    user_id, item_id, event_time = zip(*rows, strict=True) if rows else ([], [], [])
    return whole_numbers(user_id=user_id, item_id=item_id, event_time=event_time, event_order=order)


@st.composite
def queries(
    draw: st.DrawFn,
    min_size: int = 1,
    max_size: int = 4,
    users: int = USERS,
    times: st.SearchStrategy[int] | None = None,
) -> pd.DataFrame:
    """`user_id, as_of, as_of_order`; a user may ask several times, also at one moment."""
    order = st.one_of(st.integers(0, 14), st.just(LAST_ORDER))
    one = st.tuples(st.integers(0, users - 1), moments() if times is None else times, order)
    rows = draw(st.lists(one, min_size=min_size, max_size=max_size))
    user_id, as_of, as_of_order = zip(*rows, strict=True) if rows else ([], [], [])
    return whole_numbers(user_id=user_id, as_of=as_of, as_of_order=as_of_order)


def to_interactions(numbered: pd.DataFrame) -> pd.DataFrame:
    """Events as contract columns: ids are strings, times are datetime64[us]; weights 1, 1.5, ... by order."""
    return pd.DataFrame(
        {
            "user_id": name("u", numbered["user_id"]),
            "item_id": name("i", numbered["item_id"]),
            "event_time": numbered["event_time"].to_numpy().astype("datetime64[us]"),
            "event_order": numbered["event_order"].to_numpy(),
            "weight": 1 + numbered["event_order"].to_numpy() % 5 / 2,
        }
    )


def to_queries(asked: pd.DataFrame) -> pd.DataFrame:
    """Queries as contract columns: `user_id, as_of, as_of_order`."""
    return pd.DataFrame(
        {
            "user_id": name("u", asked["user_id"]),
            "as_of": asked["as_of"].to_numpy().astype("datetime64[us]"),
            "as_of_order": asked["as_of_order"].to_numpy(),
        }
    )


def name(prefix: str, numbers: Sequence[int]) -> pd.Series:
    """Ids of numbered users or items."""
    return pd.Series([f"{prefix}{number}" for number in numbers], dtype="str")


def walk(happened: pd.DataFrame, reach: int = 1) -> Iterator[tuple[str, str, pd.Timestamp, int]]:
    """Steps as (from item, item, time of arrival, events between), one user and one event after another."""
    for _, own in happened.groupby("user_id"):
        ordered = own.sort_values(["event_time", "event_order"])
        visits = list(zip(ordered["item_id"], ordered["event_time"], strict=True))
        for back in range(1, reach + 1):
            for (left, _), (reached, time) in zip(visits, visits[back:], strict=False):
                yield left, reached, time, back
