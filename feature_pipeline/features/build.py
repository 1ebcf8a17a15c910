"""One builder of features for training and serving alike: the same tables in, the same values out."""

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache, cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from feature_pipeline.arrays import Arrays, Table, take_rows
from feature_pipeline.engine.engine import Computation, Engine
from feature_pipeline.features.events import Events, StoredEvents
from feature_pipeline.features.facts import QUERY, Columns, Facts, Level, join_columns
from feature_pipeline.features.feature import (
    ArrayFeature,
    Feature,
    Moment,
    MomentFeature,
    StateFeature,
    TableFeature,
    look_up_states,
)
from feature_pipeline.features.numbered import keep_last, list_numbers, list_recent, list_values
from feature_pipeline.features.pair_similarity import normalize
from feature_pipeline.features.registry import compute_digest
from feature_pipeline.point_in_time import AS_OF, ROW
from feature_pipeline.schema import ITEM_ID, USER_ID, FeatureSpec

_QUERIES_AT_ONCE = 1_000_000


def list_columns(specs: list[FeatureSpec]) -> Columns:
    """What the items are described by, from the specs of their table."""
    kinds = ("categorical", "numeric", "embedding")
    return Columns(
        *(tuple(s.name for s in specs if s.kind == kind and s.side == "candidate") for kind in kinds)
    )


class FeatureBuilder:
    """Computes features of queries, and of (query, candidate) rows, from the events before each query.

    Args:
        engine: runs the expressions.
        features: which, in the order of their columns.
        columns: what the items are described by.
        items: the items table, whose row numbers are the item positions used here.
        events: what happened.
        vectors: item embedding columns [num_items, dim] float32 by name.

    Attributes:
        query_specs: columns of `compute_query_features`.
        row_specs: columns of `compute_row_features`.
        recent: how many of the user's last items the features read.
    """

    def __init__(
        self,
        engine: Engine,
        features: Sequence[Feature],
        columns: Columns,
        items: pd.DataFrame,
        events: Events,
        vectors: Mapping[str, np.ndarray],
    ):
        self._engine = engine
        self._columns = columns
        self._events = events
        self._of_query = tuple(feature for feature in features if feature.is_of_query)
        self._of_row = tuple(feature for feature in features if not feature.is_of_query)
        # Of all that features read, and of those that the engine joins with every candidate.
        self.recent = max([feature.get_recent() for feature in features], default=0)
        joined = [f.get_recent() for f in features if not isinstance(f, ArrayFeature)]
        self._joined_recent = max(joined, default=0)
        self.query_specs = [spec for feature in self._of_query for spec in feature.list_specs(columns)]
        self.row_specs = [spec for feature in self._of_row for spec in feature.list_specs(columns)]
        self._vectors = vectors
        self._values = list_described(items, columns)

    @classmethod
    def of_table(
        cls,
        engine: Engine,
        features: Sequence[Feature],
        columns: Columns,
        items: pd.DataFrame,
        interactions: pd.DataFrame,
        vectors: Mapping[str, np.ndarray],
        outcomes: Mapping[str, np.ndarray],
    ) -> "FeatureBuilder":
        """Over the events of a table, see `StoredEvents`."""
        reach = max([feature.get_reach() for feature in features], default=0)
        events = StoredEvents(interactions, items, outcomes, reach)
        return cls(engine, features, columns, items, events, vectors)

    def follow(self, engine: Engine, events: Events) -> "FeatureBuilder":
        """The same features of other events, by an engine that knows these."""
        other = copy(self)
        other._engine, other._events = engine, events
        return other

    def compute_query_features(self, queries: pd.DataFrame | Table) -> pd.DataFrame:
        """Computes the columns of `query_specs` for each query.

        Args:
            queries: `user_id`, `as_of` (datetime64[us], UTC).

        Returns:
            One row a query, in the order given, all float64.
        """
        return pd.DataFrame(self.compute_query_columns(queries), range(len(queries)))

    def compute_query_columns(self, queries: pd.DataFrame | Table) -> dict[str, np.ndarray]:
        """The same as arrays [num_queries] each."""
        asked, names = self._events.number(queries), [spec.name for spec in self.query_specs]
        computed = np.empty((len(queries), len(names)), order="F")
        # A user's features read that user's events alone, so that users can take turns: it bounds the memory.
        turns = -(-len(queries) // _QUERIES_AT_ONCE)
        for turn in range(turns):
            rows = np.flatnonzero(asked[USER_ID] % turns == turn)
            own = take_rows(asked, rows) | {ROW: np.arange(len(rows)), QUERY: np.arange(len(rows))}
            columns = self._run("query", self._of_query, {"asked": own})
            for place, name in enumerate(names):
                computed[rows, place] = columns[name]
        return dict(zip(names, computed.T, strict=True))

    def compute_query_vectors(self, queries: pd.DataFrame | Table) -> dict[str, np.ndarray]:
        """Computes what the users' earlier events left behind; see `outcome_history.compute`.

        Args:
            queries: `user_id`, `as_of`.
        """
        return self._events.compute_vectors(self._events.number(queries))

    def compute_foundation(self) -> str:
        """A digest of what query features depend on besides events: engine, code and item columns."""
        # Engines agree to the last bits of a sine, not in them.
        digest = hashlib.sha256(f"{self._engine.dialect} {compute_digest(self._of_query)}".encode())
        computation = compile_features(type(self._engine), self._of_query, self._columns, "query")
        for name in sorted(self._values.keys() & set(computation.sources)):
            for values in self._values[name].values():
                digest.update(values.tobytes())
        return digest.hexdigest()

    def find_history(self, queries: pd.DataFrame | Table, length: int) -> np.ndarray:
        """Finds the latest items of each query's user: [num_queries, length] int64 item positions, -1 pads.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            length: how many at most; the oldest stands first.
        """
        return self.find_timed_history(queries, length)[0]

    def find_timed_history(self, queries: pd.DataFrame | Table, length: int) -> tuple[np.ndarray, np.ndarray]:
        """As `find_history`, and when each of the items was met: int64 microseconds, 0 pads."""
        return self._events.find_recent(self._events.number(queries), length)

    def compute_row_features(self, queries: pd.DataFrame | Table, candidates: np.ndarray) -> pd.DataFrame:
        """Computes the columns of `row_specs` for each candidate of each query.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            candidates: item positions [num_queries, num_candidates] int, -1 where there is none.

        Returns:
            One row for each candidate that is there, query by query in the order of `candidates`; all of it
            float64.
        """
        columns = self.compute_row_columns(queries, candidates)
        return pd.DataFrame(columns, range(np.count_nonzero(candidates >= 0)), dtype="float64")

    def compute_row_columns(
        self, queries: pd.DataFrame | Table, candidates: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The same as arrays [num_rows] each, in the types in which they were computed."""
        query, place = np.nonzero(candidates >= 0)
        asked = self._events.number(queries)
        history = self._events.find_recent(asked, self.recent)[0]
        chosen = {ROW: np.arange(len(query)), ITEM_ID: candidates[query, place].astype(np.int64)}
        rows = take_rows(asked, query) | chosen
        recent = list_recent(asked, keep_last(history, self._joined_recent))
        columns = self._run("candidate", self._of_row, {"asked": asked, "rows": rows, "recent": recent})
        for feature in self._of_row:
            if isinstance(feature, ArrayFeature):
                computed = feature.compute(self._units, history, candidates)
                columns |= {name: values[query, place] for name, values in computed.items()}
        return {spec.name: columns[spec.name] for spec in self.row_specs}

    @cached_property
    def _units(self) -> dict[str, np.ndarray]:
        return {name: normalize(values) for name, values in self._vectors.items()}

    def _run(
        self, level: Level, features: tuple[Feature, ...], tables: Mapping[str, Arrays]
    ) -> dict[str, np.ndarray]:
        """The columns that the engine computes, one row for each row asked, in order."""
        computation = compile_features(type(self._engine), features, self._columns, level)
        known = {**self._values, **tables}
        given = {
            name: known[name] if name in known else self._events.find_source(name, tables)
            for name in self._engine.find_sources(computation)
        }
        computed = self._engine.run(computation, given)
        row = computed[ROW]
        return computed if (row[1:] > row[:-1]).all() else take_rows(computed, np.argsort(row))


def list_described(items: pd.DataFrame, columns: Columns) -> dict[str, Arrays]:
    """What describes the items, as expressions read it: `values_<category>` and `numbers_<number>`."""
    values = {f"values_{name}": list_values(items[name]) for name in columns.categories}
    return values | {f"numbers_{name}": list_numbers(items[name]) for name in columns.numbers}


@cache
def compile_features(
    engine: type[Engine],
    features: tuple[Feature, ...],
    columns: Columns,
    level: Level,
) -> Computation:
    """All columns that the engine computes, in one computation."""
    facts = Facts(engine, columns, level)
    states = [feature for feature in features if isinstance(feature, StateFeature)]
    table = look_up_states(facts, states)
    values: dict[str, ir.Value] = {}
    for state in states:
        values |= state.read(Moment(table, state.key, table[AS_OF]))
    for moment in features:
        if isinstance(moment, MomentFeature):
            values |= moment.read(table[AS_OF])
    result = table.select(ROW, **values)
    for feature in features:
        if isinstance(feature, TableFeature):
            result = join_columns(result, feature.compute(facts))
    return Computation(facts.steps, result, engine.dialect)
