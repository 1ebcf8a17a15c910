"""One builder of features for training and serving alike: the same tables in, the same values out."""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis.backends import BaseBackend

from feature_pipeline.features import context, item, pair, similarity, user
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, ROW, find_recent_events
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

RECENT_ITEMS = 3
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
        self.items = items
        self.interactions = interactions
        self.vectors = vectors
        self.specs = build_row_specs(categories, list(vectors))
        self._item_position = pd.Index(items[ITEM_ID])
        self._event_item = self._item_position.get_indexer(interactions[ITEM_ID])
        self._values = {name: _explode(items, name) for name in categories}

    def compute_query_features(self, queries: pd.DataFrame) -> pd.DataFrame:
        """Computes the columns of `QUERY_SPECS` for each query.

        Args:
            queries: `user_id`, `as_of` (datetime64[us], UTC).

        Returns:
            One row a query, in the order given.
        """
        asked = _to_ibis(queries[[USER_ID, AS_OF]].assign(row=np.arange(len(queries))))
        computed = [user.compute(asked, self._events(queries[USER_ID])), context.compute(asked)]
        return self._run(pair.join_rows(asked, computed), [spec.name for spec in QUERY_SPECS])

    def find_history(self, queries: pd.DataFrame, length: int) -> np.ndarray:
        """Finds the latest items of each query's user: positions [num_queries, length] int64, oldest first, -1 pads.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            length: how many at most.
        """
        found = find_recent_events(queries, self.interactions, length)
        return np.where(found >= 0, self._event_item[found], -1)

    def compute_row_features(self, queries: pd.DataFrame, candidates: np.ndarray) -> pd.DataFrame:
        """Computes the columns of `specs` for each candidate of each query.

        Args:
            queries: `user_id`, `as_of`, `as_of_order`.
            candidates: item positions [num_queries, num_candidates] int, -1 where there is none.

        Returns:
            One row for each candidate that is there, query by query in the order of `candidates`.
        """
        query, place = np.nonzero(candidates >= 0)
        chosen = candidates[query, place]
        rows = _to_ibis(
            queries[[USER_ID, AS_OF]]
            .iloc[query]
            .assign(query=query, row=np.arange(len(query)), item_id=self.items[ITEM_ID].to_numpy()[chosen])
        )
        history = self.find_history(queries, SIMILARITY_HISTORY)
        events = self._events()
        own = self._events(queries[USER_ID])
        computed = [
            item.compute(rows, events),
            pair.compute_times_met(rows, own),
            pair.compute_transitions(rows, self._recent(queries, history[:, -RECENT_ITEMS:]), events),
            *(pair.compute_category_share(rows, values, own, name) for name, values in self._values.items()),
        ]
        alike = {}
        for name, vectors in self.vectors.items():
            cosines = similarity.compute(vectors, history, candidates)
            specs = similarity.build_specs(name)
            alike |= {spec.name: values[query, place] for spec, values in zip(specs, cosines, strict=True)}
        names = [spec.name for spec in self.specs if spec.name not in alike]
        return self._run(pair.join_rows(rows, computed), names).assign(**alike)

    def _events(self, of_users: pd.Series | None = None) -> ir.Table:
        columns = [USER_ID, ITEM_ID, EVENT_TIME, EVENT_ORDER]
        events = self.interactions[columns]
        if of_users is not None and of_users.nunique() < events[USER_ID].nunique():
            events = events[events[USER_ID].isin(of_users.unique())]
        return _to_ibis(events)

    def _recent(self, queries: pd.DataFrame, history: np.ndarray) -> ir.Table:
        """The last items, one row each: `query, from_item, as_of, steps_back`."""
        query, place = np.nonzero(history >= 0)
        return _to_ibis(
            pd.DataFrame(
                {
                    "query": query,
                    "from_item": self.items[ITEM_ID].to_numpy()[history[query, place]],
                    AS_OF: queries[AS_OF].to_numpy()[query],
                    "steps_back": history.shape[1] - place,
                }
            ).astype({"from_item": "str"})
        )

    def _run(self, expression: ir.Table, names: list[str]) -> pd.DataFrame:
        frame = self.engine.to_pyarrow(expression).to_pandas()
        return frame.sort_values(ROW, ignore_index=True)[names]


def _explode(items: pd.DataFrame, category: str) -> ir.Table:
    values = items[[ITEM_ID, category]].explode(category).dropna().rename(columns={category: "value"})
    return _to_ibis(values.astype({ITEM_ID: "str", "value": "str"}).drop_duplicates())


def _to_ibis(frame: pd.DataFrame) -> ir.Table:
    """A memory table with times as int64 microseconds, which every engine compares alike."""
    times = {
        name: frame[name].to_numpy().astype("datetime64[us]").astype(np.int64)
        for name in (EVENT_TIME, AS_OF)
        if name in frame
    }
    return ibis.memtable(pa.Table.from_pandas(frame.drop(columns=AS_OF_ORDER, errors="ignore").assign(**times), preserve_index=False))
