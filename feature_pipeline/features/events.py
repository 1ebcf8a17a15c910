"""The events that features are computed from, and how queries find theirs."""

from collections.abc import Mapping
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Arrays, Table
from feature_pipeline.features import outcome_history
from feature_pipeline.features.facts import FROM_ITEM
from feature_pipeline.features.numbered import keep, number_events, number_queries
from feature_pipeline.features.steps import find_steps
from feature_pipeline.point_in_time import find_recent_events
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID


class Events(Protocol):
    """What a feature builder asks of events; numbers stand for ids and times."""

    def number(self, queries: pd.DataFrame | Table) -> Arrays:
        """The queries as `row, query, user_id, as_of`, and `as_of_order` where they have one."""

    def find_recent(self, asked: Arrays, length: int) -> tuple[np.ndarray, np.ndarray]:
        """The latest items of each query's user, and when each was met.

        Args:
            asked: from `number`, with `as_of_order`.
            length: how many at most; the oldest stands first.

        Returns:
            Item positions, -1 pads, and microseconds, 0 pads: [num_queries, length] int64 each.
        """

    def find_source(self, name: str, tables: Mapping[str, Arrays]) -> Arrays:
        """The rows of `of_user`, `of_item` or `steps` that the other tables ask for, see `Facts`."""

    def compute_vectors(self, asked: Arrays) -> dict[str, np.ndarray]:
        """What the users' earlier events left behind; see `outcome_history.compute`."""


class StoredEvents:
    """All events of a table, for many queries at once.

    Args:
        interactions: `user_id, item_id, event_time, event_order, weight`, in any order.
        items: the items table, whose row numbers are the item positions.
        outcomes: embeddings of what each event left behind [num_events, dim] float32 by column, in the order
            of `interactions`.
        reach: how many events apart the steps between items stand at most.
    """

    def __init__(
        self,
        interactions: pd.DataFrame,
        items: pd.DataFrame,
        outcomes: Mapping[str, np.ndarray],
        reach: int,
    ):
        self._outcomes = outcomes
        self._reach = reach
        self._users = pd.Index(interactions[USER_ID].unique())
        self._events = number_events(interactions, self._users, pd.Index(items[ITEM_ID]))

    def number(self, queries: pd.DataFrame | Table) -> Arrays:
        """See `Events.number`."""
        return number_queries(queries, self._users.get_indexer(pd.Index(queries[USER_ID])))

    def find_recent(self, asked: Arrays, length: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events.find_recent`."""
        found = find_recent_events(pd.DataFrame(asked), self._events, length)
        # The extra one at the end is where the padding, -1, points.
        items = np.append(self._events[ITEM_ID].to_numpy(), -1)[found]
        return items, np.append(self._events[EVENT_TIME].to_numpy(), 0)[found]

    def find_source(self, name: str, tables: Mapping[str, Arrays]) -> Arrays:
        """See `Events.find_source`."""
        if name == "of_user":
            return keep(self._events, USER_ID, tables["asked"][USER_ID])
        if name == "of_item":
            return keep(self._events, ITEM_ID, tables["rows"][ITEM_ID])
        return keep(self._steps, FROM_ITEM, tables["recent"][FROM_ITEM])

    def compute_vectors(self, asked: Arrays) -> dict[str, np.ndarray]:
        """See `Events.compute_vectors`."""
        return outcome_history.compute(pd.DataFrame(asked), self._events, self._outcomes)

    @cached_property
    def _steps(self) -> pd.DataFrame:
        return find_steps(self._events, self._reach)
