"""One builder of features for training and serving alike: the same tables in, the same values out."""

from collections.abc import Mapping

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends import BaseBackend

from feature_pipeline.engine import lend
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
        self.engine = engine
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
        asked = self._number(queries).rename(columns={QUERY: ROW})
        frames = {"asked": asked, "events": _keep(self._events, USER_ID, asked[USER_ID])}
        with lend(self.engine, frames) as lent:
            computed = [user.compute(lent["asked"], lent["events"]), context.compute(lent["asked"])]
            return self._run(lent["asked"], computed, [spec.name for spec in QUERY_SPECS])

    def find_history(self, queries: pd.DataFrame, length: int) -> np.ndarray:
        """Finds the latest items of each query's user: [num_queries, length] int64 item positions, -1 pads.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            length: how many at most; the oldest stands first.
        """
        numbered = self._number(queries).assign(**{AS_OF_ORDER: queries[AS_OF_ORDER].to_numpy()})
        found = find_recent_events(numbered, self._events, length)
        # The extra item at the end is where the padding, -1, points.
        return np.append(self._events[ITEM_ID].to_numpy(), -1)[found]

    def compute_row_features(self, queries: pd.DataFrame, candidates: np.ndarray) -> pd.DataFrame:
        """Computes the columns of `specs` for each candidate of each query.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            candidates: item positions [num_queries, num_candidates] int, -1 where there is none.

        Returns:
            One row for each candidate that is there, query by query in the order of `candidates`.
        """
        query, place = np.nonzero(candidates >= 0)
        asked = self._number(queries)
        rows = asked.iloc[query].assign(**{ROW: np.arange(len(query)), ITEM_ID: candidates[query, place]})
        history = self.find_history(queries, SIMILARITY_HISTORY)
        counted = self._count(asked, rows, _list_recent(asked, history[:, -RECENT_ITEMS:]))
        alike = {
            spec.name: values[query, place]
            for name, units in self._units.items()
            for spec, values in zip(
                similarity.build_specs(name), similarity.compute(units, history, candidates), strict=True
            )
        }
        return counted.assign(**alike)

    def _count(self, asked: pd.DataFrame, rows: pd.DataFrame, recent: pd.DataFrame) -> pd.DataFrame:
        """The columns of `specs` that are counted from events: all but the similarities."""
        frames = {
            "asked": asked,
            "rows": rows,
            "recent": recent,
            "of_item": _keep(self._events, ITEM_ID, rows[ITEM_ID]),
            "of_user": _keep(self._events, USER_ID, asked[USER_ID]),
            "steps": _keep(self._steps, FROM_ITEM, recent[FROM_ITEM]),
        }
        with lend(self.engine, frames) as lent, lend(self.engine, self._values) as values:
            computed = [
                item.compute(lent["rows"], lent["of_item"]),
                pair.compute_times_met(lent["rows"], lent["of_user"]),
                pair.compute_transitions(lent["rows"], lent["recent"], lent["steps"]),
                *(
                    pair.compute_category_share(lent["rows"], lent["asked"], table, lent["of_user"], category)
                    for category, table in values.items()
                ),
            ]
            names = [spec.name for spec in build_row_specs(list(values), [])]
            return self._run(lent["rows"], computed, names)

    def _number(self, queries: pd.DataFrame) -> pd.DataFrame:
        """The queries as `query, user_id, as_of` in whole numbers; user -1 has no events at all."""
        user_id = self._users.get_indexer(queries[USER_ID])
        as_of = to_microseconds(queries[AS_OF])
        return pd.DataFrame({QUERY: np.arange(len(queries)), USER_ID: user_id, AS_OF: as_of})

    def _run(self, rows: ir.Table, computed: list[ir.Table], names: list[str]) -> pd.DataFrame:
        """Joins the computed tables to the rows and runs it all; a value that a row lacks is null."""
        joined = rows.select(ROW)
        for table in computed:
            joined = joined.left_join(table, ROW).drop(f"{ROW}_right")
        frame: pd.DataFrame = self.engine.to_pyarrow(joined).to_pandas()
        return frame.sort_values(ROW, ignore_index=True)[names]


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
