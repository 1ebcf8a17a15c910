"""One builder of features for training and serving alike: the same tables in, the same values out."""

from collections.abc import Mapping
from functools import cache

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends import BaseBackend

from feature_pipeline.engine import Computation, declare_table
from feature_pipeline.features import context, item, pair, similarity, user
from feature_pipeline.features.pair import FROM_ITEM, QUERY, RECENT_ITEMS, STEPS_BACK, VALUE
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, ROW, find_recent_events, to_microseconds
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

SIMILARITY_HISTORY = 10

QUERY_SPECS = (*user.SPECS, *context.SPECS)


def build_row_specs(categories: list[str], embeddings: list[str]) -> list[FeatureSpec]:
    """Specs of the columns of `compute_row_features`, in their order.

    Args:
        categories: categorical item features.
        embeddings: item embedding columns.
    """
    shares = [pair.build_share_spec(category) for category in categories]
    alike = [spec for embedding in embeddings for spec in similarity.build_specs(embedding)]
    return [*item.SPECS, *pair.SPECS, *shares, *alike]


class FeatureBuilder:
    """Computes features of queries, and of (query, candidate) rows, from the events before each query.

    Args:
        engine: the connection that runs the expressions.
        items: the items table, whose row numbers are the item positions used here.
        interactions: `user_id, item_id, event_time, event_order`, in any order.
        categories: categorical item features (lists of strings) to compute the user's share of.
        vectors: item embedding columns [num_items, dim] float32 by name.
    """

    def __init__(
        self,
        engine: BaseBackend,
        items: pd.DataFrame,
        interactions: pd.DataFrame,
        categories: list[str],
        vectors: Mapping[str, np.ndarray],
    ):
        self._engine = engine
        self._units = {name: similarity.normalize(values) for name, values in vectors.items()}
        self.specs = build_row_specs(categories, list(vectors))
        # From here on numbers stand for ids and times, which engines sort and join many times faster.
        self._users = pd.Index(interactions[USER_ID].unique())
        self._events = pd.DataFrame(
            {
                USER_ID: self._users.get_indexer(interactions[USER_ID]),
                ITEM_ID: pd.Index(items[ITEM_ID]).get_indexer(interactions[ITEM_ID]),
                EVENT_TIME: to_microseconds(interactions[EVENT_TIME]),
                EVENT_ORDER: interactions[EVENT_ORDER].to_numpy(),
            }
        )
        self._steps = pair.find_steps(self._events)
        self._values = {name: _list_values(items[name]) for name in categories}

    def compute_query_features(self, queries: pd.DataFrame) -> pd.DataFrame:
        """Computes the columns of `QUERY_SPECS` for each query.

        Args:
            queries: `user_id`, `as_of` (datetime64[us], UTC).

        Returns:
            One row a query, in the order given.
        """
        asked = self._number(queries)
        tables = {"asked": asked, "of_user": _keep(self._events, USER_ID, asked[USER_ID])}
        return _in_order(_compile_query_features().run(self._engine, tables))

    def find_history(self, queries: pd.DataFrame, length: int) -> np.ndarray:
        """Finds the latest items of each query's user: [num_queries, length] int64 item positions, -1 pads.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            length: how many at most; the oldest stands first.
        """
        asked = self._number(queries).assign(**{AS_OF_ORDER: queries[AS_OF_ORDER].to_numpy()})
        found = find_recent_events(asked, self._events, length)
        # The extra item at the end is where the padding, -1, points.
        history: np.ndarray = np.append(self._events[ITEM_ID].to_numpy(), -1)[found]
        return history

    def compute_row_features(self, queries: pd.DataFrame, candidates: np.ndarray) -> pd.DataFrame:
        """Computes the columns of `specs` for each candidate of each query.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            candidates: item positions [num_queries, num_candidates] int, -1 where there is none.

        Returns:
            One row for each candidate that is there, query by query in the order of `candidates`.
        """
        query, place = np.nonzero(candidates >= 0)
        history = self.find_history(queries, SIMILARITY_HISTORY)
        asked = self._number(queries)
        chosen = {ROW: np.arange(len(query)), ITEM_ID: candidates[query, place].astype(np.int64)}
        rows = asked.iloc[query].assign(**chosen)
        counted = self._count(asked, rows, _list_recent(asked, history[:, -RECENT_ITEMS:]))
        alike = {}
        for name, units in self._units.items():
            cosines = similarity.compute(units, history, candidates)
            for spec, values in zip(similarity.build_specs(name), cosines, strict=True):
                alike[spec.name] = values[query, place]
        return counted.assign(**alike)

    def _number(self, queries: pd.DataFrame) -> pd.DataFrame:
        """The queries in whole numbers, `row, query, user_id, as_of`; user -1 has no events at all."""
        row = np.arange(len(queries))
        user_id = self._users.get_indexer(queries[USER_ID])
        return pd.DataFrame({ROW: row, QUERY: row, USER_ID: user_id, AS_OF: to_microseconds(queries[AS_OF])})

    def _count(self, asked: pd.DataFrame, rows: pd.DataFrame, recent: pd.DataFrame) -> pd.DataFrame:
        """The columns of `specs` that come from counting events: all but the similarities."""
        tables = {
            "asked": asked,
            "rows": rows,
            "recent": recent,
            "of_user": _keep(self._events, USER_ID, asked[USER_ID]),
            "of_item": _keep(self._events, ITEM_ID, rows[ITEM_ID]),
            "steps": _keep(self._steps, FROM_ITEM, recent[FROM_ITEM]),
            **{f"values_{category}": values for category, values in self._values.items()},
        }
        return _in_order(_compile_row_features(*self._values).run(self._engine, tables))


@cache
def _compile_query_features() -> Computation:
    asked = declare_table("asked", ROW, USER_ID, AS_OF)
    of_user = declare_table("of_user", USER_ID, EVENT_TIME)
    return Computation(_join(asked, [user.compute(asked, of_user), context.compute(asked)]))


@cache
def _compile_row_features(*categories: str) -> Computation:
    asked = declare_table("asked", QUERY, USER_ID, AS_OF)
    rows = declare_table("rows", ROW, QUERY, USER_ID, ITEM_ID, AS_OF)
    recent = declare_table("recent", ROW, QUERY, FROM_ITEM, AS_OF, STEPS_BACK)
    steps = declare_table("steps", FROM_ITEM, ITEM_ID, EVENT_TIME)
    of_user, of_item = (declare_table(name, USER_ID, ITEM_ID, EVENT_TIME) for name in ("of_user", "of_item"))
    computed = [
        item.compute(rows, of_item),
        pair.compute_times_met(rows, of_user),
        pair.compute_transitions(rows, recent, steps),
    ]
    for category in categories:
        values = declare_table(f"values_{category}", ITEM_ID, VALUE)
        computed.append(pair.compute_category_share(rows, asked, values, of_user, category))
    return Computation(_join(rows, computed))


def _join(rows: ir.Table, computed: list[ir.Table]) -> ir.Table:
    """Joins the computed tables to the rows; a value that a row lacks is null."""
    joined = rows.select(ROW)
    for table in computed:
        joined = joined.left_join(table, ROW).drop(f"{ROW}_right")
    return joined


def _in_order(computed: pd.DataFrame) -> pd.DataFrame:
    return computed.sort_values(ROW, ignore_index=True).drop(columns=ROW)


def _keep(events: pd.DataFrame, key: str, wanted: pd.Series) -> pd.DataFrame:
    """Leaves out the events whose key nobody asks for: they change nothing, and one query takes no time."""
    return events[events[key].isin(wanted.unique())]


def _list_recent(asked: pd.DataFrame, history: np.ndarray) -> pd.DataFrame:
    """The last items of each query, one row each: `row, query, from_item, as_of, steps_back`."""
    query, place = np.nonzero(history >= 0)
    return pd.DataFrame(
        {
            ROW: np.arange(len(query)),
            QUERY: query,
            FROM_ITEM: history[query, place],
            AS_OF: asked[AS_OF].to_numpy()[query],
            STEPS_BACK: history.shape[1] - place,
        }
    )


def _list_values(lists: pd.Series) -> pd.DataFrame:
    """The values of a category, one row for each that an item has: `item_id, value` in whole numbers."""
    values = lists.reset_index(drop=True).explode().dropna()
    return pd.DataFrame({ITEM_ID: values.index, VALUE: pd.factorize(values)[0]}).drop_duplicates()
