"""One builder of features for training and serving alike: the same tables in, the same values out."""

import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from feature_pipeline.engine.engine import Computation, Engine
from feature_pipeline.features import outcome_history
from feature_pipeline.features.facts import FROM_ITEM, QUERY, Columns, Facts, join_columns
from feature_pipeline.features.feature import (
    ArrayFeature,
    Feature,
    Moment,
    MomentFeature,
    StateFeature,
    TableFeature,
    look_up_states,
)
from feature_pipeline.features.numbered import (
    keep,
    keep_last,
    list_numbers,
    list_recent,
    list_values,
    number_events,
    number_queries,
)
from feature_pipeline.features.pair_similarity import normalize
from feature_pipeline.features.registry import compute_digest
from feature_pipeline.features.steps import find_steps
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, ROW, find_recent_events
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

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
        interactions: `user_id, item_id, event_time, event_order, weight`, in any order.
        vectors: item embedding columns [num_items, dim] float32 by name.
        outcomes: embeddings of what each event left behind [num_events, dim] float32 by column, in the
            order of `interactions`.

    Attributes:
        query_specs: columns of `compute_query_features`.
        row_specs: columns of `compute_row_features`.
        recent: how many of the user's last items the features read.
    """

    def __init__(
        self,
        engine: Engine,
        features: list[Feature],
        columns: Columns,
        items: pd.DataFrame,
        interactions: pd.DataFrame,
        vectors: Mapping[str, np.ndarray],
        outcomes: Mapping[str, np.ndarray],
    ):
        self._outcomes = outcomes
        self._engine = engine
        self._columns = columns
        self._of_query = tuple(feature for feature in features if feature.is_of_query)
        self._of_row = tuple(feature for feature in features if not feature.is_of_query)
        # Of all that features read, and of those that the engine joins with every candidate.
        self.recent = max([feature.get_recent() for feature in features], default=0)
        joined = [f.get_recent() for f in features if not isinstance(f, ArrayFeature)]
        self._joined_recent = max(joined, default=0)
        self.query_specs = [spec for feature in self._of_query for spec in feature.list_specs(columns)]
        self.row_specs = [spec for feature in self._of_row for spec in feature.list_specs(columns)]
        self._vectors = vectors
        # From here on numbers stand for ids and times, which engines sort and join many times faster.
        self._users = pd.Index(interactions[USER_ID].unique())
        self._events = number_events(interactions, self._users, pd.Index(items[ITEM_ID]))
        self._values = {f"values_{name}": list_values(items[name]) for name in columns.categories}
        self._values |= {f"numbers_{name}": list_numbers(items[name]) for name in columns.numbers}

    def compute_query_features(self, queries: pd.DataFrame) -> pd.DataFrame:
        """Computes the columns of `query_specs` for each query.

        Args:
            queries: `user_id`, `as_of` (datetime64[us], UTC).

        Returns:
            One row a query, in the order given, all float64.
        """
        asked = number_queries(queries, self._users)
        computed = np.empty((len(self.query_specs), len(queries)))
        # A user's features read that user's events alone, so that users can take turns: it bounds the memory.
        turns = -(-len(queries) // _QUERIES_AT_ONCE)
        for turn in range(turns):
            rows = np.flatnonzero(asked[USER_ID] % turns == turn)
            computed[:, rows] = self._compute_of_query(asked.iloc[rows]).T
        columns = dict(zip([spec.name for spec in self.query_specs], computed, strict=True))
        return pd.DataFrame(columns, index=range(len(queries)))

    def _compute_of_query(self, asked: pd.DataFrame) -> np.ndarray:
        """The columns of `query_specs` [num_queries, num_specs] float64."""
        numbered = asked.assign(**{ROW: np.arange(len(asked)), QUERY: np.arange(len(asked))})
        computed = self._run("query", self._of_query, {"asked": numbered})
        return computed[[spec.name for spec in self.query_specs]].to_numpy("float64", na_value=np.nan)

    def compute_query_vectors(self, queries: pd.DataFrame) -> dict[str, np.ndarray]:
        """Computes what the users' earlier events left behind; see `outcome_history.compute`.

        Args:
            queries: `user_id`, `as_of`.
        """
        return outcome_history.compute(number_queries(queries, self._users), self._events, self._outcomes)

    def compute_foundation(self) -> str:
        """A digest of what query features depend on besides events: engine, code and item columns."""
        # Engines agree to the last bits of a sine, not in them.
        digest = hashlib.sha256(f"{self._engine.dialect} {compute_digest(self._of_query)}".encode())
        computation = _compile(type(self._engine), self._of_query, self._columns, "query")
        for name in sorted(self._values.keys() & set(computation.sources)):
            digest.update(self._values[name].to_csv(index=False).encode())
        return digest.hexdigest()

    def find_history(self, queries: pd.DataFrame, length: int) -> np.ndarray:
        """Finds the latest items of each query's user: [num_queries, length] int64 item positions, -1 pads.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            length: how many at most; the oldest stands first.
        """
        return self.find_timed_history(queries, length)[0]

    def find_timed_history(self, queries: pd.DataFrame, length: int) -> tuple[np.ndarray, np.ndarray]:
        """As `find_history`, and when each of the items was met: int64 microseconds, 0 pads."""
        found = find_recent_events(self._number_in_order(queries), self._events, length)
        return self._get_items(found), np.append(self._events[EVENT_TIME].to_numpy(), 0)[found]

    def _number_in_order(self, queries: pd.DataFrame) -> pd.DataFrame:
        order = queries[AS_OF_ORDER].to_numpy()
        return number_queries(queries, self._users).assign(**{AS_OF_ORDER: order})

    def _get_items(self, found: np.ndarray) -> np.ndarray:
        """Items of events; the extra one at the end is where the padding, -1, points."""
        items: np.ndarray = np.append(self._events[ITEM_ID].to_numpy(), -1)[found]
        return items

    def compute_row_features(self, queries: pd.DataFrame, candidates: np.ndarray) -> pd.DataFrame:
        """Computes the columns of `row_specs` for each candidate of each query.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            candidates: item positions [num_queries, num_candidates] int, -1 where there is none.

        Returns:
            One row for each candidate that is there, query by query in the order of `candidates`.
        """
        query, place = np.nonzero(candidates >= 0)
        asked = self._number_in_order(queries)
        history = self._get_items(find_recent_events(asked, self._events, self.recent))
        chosen = {ROW: np.arange(len(query)), ITEM_ID: candidates[query, place].astype(np.int64)}
        rows = asked.iloc[query].assign(**chosen)
        recent = list_recent(asked, keep_last(history, self._joined_recent))
        counted = self._run("candidate", self._of_row, {"asked": asked, "rows": rows, "recent": recent})
        columns: dict[str, Any] = {str(name): values for name, values in counted.items()}
        for feature in self._of_row:
            if isinstance(feature, ArrayFeature):
                computed = feature.compute(self._units, history, candidates)
                columns |= {name: values[query, place] for name, values in computed.items()}
        return pd.DataFrame(
            {spec.name: columns[spec.name] for spec in self.row_specs}, index=range(len(query))
        )

    @cached_property
    def _units(self) -> dict[str, np.ndarray]:
        return {name: normalize(values) for name, values in self._vectors.items()}

    @cached_property
    def _steps(self) -> pd.DataFrame:
        return find_steps(self._events, max(feature.get_reach() for feature in self._of_row))

    def _run(
        self,
        level: Literal["query", "candidate"],
        features: tuple[Feature, ...],
        tables: Mapping[str, pd.DataFrame],
    ) -> pd.DataFrame:
        """The columns that the engine computes, one row for each row asked, in order."""
        computation = _compile(type(self._engine), features, self._columns, level)
        given = {name: self._find_source(name, tables) for name in computation.sources}
        computed = self._engine.run(computation, given)
        return computed.sort_values(ROW, ignore_index=True).drop(columns=ROW)

    def _find_source(self, name: str, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of one of the tables that `Facts` declares."""
        if name == "of_user":
            return keep(self._events, USER_ID, tables["asked"][USER_ID])
        if name == "of_item":
            return keep(self._events, ITEM_ID, tables["rows"][ITEM_ID])
        if name == "steps":
            return keep(self._steps, FROM_ITEM, tables["recent"][FROM_ITEM])
        return tables[name] if name in tables else self._values[name]


@cache
def _compile(
    engine: type[Engine],
    features: tuple[Feature, ...],
    columns: Columns,
    level: Literal["query", "candidate"],
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
