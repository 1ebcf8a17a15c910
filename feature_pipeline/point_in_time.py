"""What was known just before a moment.

The state of a user or an item after each of its events holds running values (events so far, weight so far,
...), and a query looks up the latest state strictly earlier than its `as_of`. What happened in a window
`[t - width, t)` is the state before t less the state before t - width, so that one kind of look-up serves
every feature. Times are whole microseconds: an event of the very instant is never read, and every engine
gives the same value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.expr.builders import WindowBuilder

from feature_pipeline.arrays import Table
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, USER_ID

ROW = "row"
AS_OF = "as_of"
AS_OF_ORDER = "as_of_order"
LAST_ORDER = np.iinfo(np.int64).max
# A column of queries: whether nobody knows when it is asked, see `forget_moments`; without it, all are known.
UNTIMED = "untimed"


@dataclass(frozen=True)
class Line:
    """The events of each key in the order of time; its running values include all events of the instant."""

    events: ir.Table
    key: Sequence[str]

    def count(self) -> ir.IntegerValue:
        """Events so far, int64."""
        return ibis._.count().over(self._so_far())

    def sum(self, column: ir.IntegerValue) -> ir.IntegerValue:
        """Sum so far, int64: whole numbers add up alike in every order."""
        return column.sum().over(self._so_far()).cast("int64")

    def max(self, column: ir.IntegerValue) -> ir.IntegerValue:
        """Largest so far; nulls apart."""
        return column.max().over(self._so_far())

    def first(self) -> ir.IntegerValue:
        """Time of the key's first event."""
        return self.events[EVENT_TIME].min().over(group_by=self.key)

    def _so_far(self) -> WindowBuilder:
        return ibis.range_window(group_by=self.key, order_by=EVENT_TIME, following=0)


def accumulate(events: ir.Table, key: Sequence[str], /, **values: ir.Value) -> ir.Table:
    """The state of each key after every instant: the key's columns, `event_time`, and running `values`.

    Args:
        events: the key's columns and `event_time` (int64 microseconds).
        key: whose state.
        values: from `Line`, over these events.
    """
    return events.select(*key, EVENT_TIME, **values)


def find_recent_events(queries: pd.DataFrame, events: pd.DataFrame, length: int) -> np.ndarray:
    """Finds each query's latest earlier events of the same user, oldest first.

    Here ties of time are decided by the row order of the source, as a history must be an order: an event is
    earlier when `(event_time, event_order) < (as_of, as_of_order)`.

    Args:
        queries: `user_id`, `as_of` (datetime64, or int64 microseconds) and `as_of_order` (int64; with
            `LAST_ORDER` the events of the very instant are all earlier).
        events: `user_id`, `event_time` (as `as_of`), `event_order` (int64); in any order.
        length: how many events at most.

    Returns:
        Positions in `events` [num_queries, length] int64, padded with -1 on the left.
    """
    position = np.flatnonzero(events[USER_ID].isin(queries[USER_ID].unique()))
    events = events.iloc[position]
    user = pd.factorize(pd.concat([events[USER_ID], queries[USER_ID]], ignore_index=True))[0]
    time = np.concatenate([to_microseconds(events[EVENT_TIME]), to_microseconds(queries[AS_OF])])
    order = np.concatenate([events[EVENT_ORDER], queries[AS_OF_ORDER]])
    is_event = np.arange(len(user)) < len(events)
    line = np.lexsort((is_event, order, time, user))
    events_so_far = np.empty(len(line), np.int64)
    events_so_far[line] = np.cumsum(is_event[line])
    in_order = line[is_event[line]]
    starts = np.searchsorted(user[in_order], user[len(events) :])
    wanted = events_so_far[len(events) :, None] - np.arange(length, 0, -1)
    # The extra position at the end is where the padding, -1, points.
    return np.append(position[in_order], -1)[np.where(wanted >= starts[:, None], wanted, -1)]


def forget_moments(queries: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """The same queries, had nobody said when they are asked: they stand in the instant of the event before.

    There all is known that is known whenever the query comes, but that event itself, which the history holds
    and no count does. Counted, it would stand apart from others of its instant, and say that none follow.

    Args:
        queries: `user_id, as_of, as_of_order`, and any features of the moment.
        events: contract interactions, with the same features.

    Returns:
        All columns, of the user's last event before the query, and `untimed`. A query without one stays where
        it is, and is not.
    """
    last = find_recent_events(queries, events, 1)[:, 0]
    untimed = last >= 0
    former = events.rename(columns={EVENT_TIME: AS_OF, EVENT_ORDER: AS_OF_ORDER})[queries.columns]
    former = former.iloc[last[untimed]].set_axis(queries.index[untimed])
    former[AS_OF_ORDER] += 1
    moved = pd.concat([former, queries[~untimed]]).loc[queries.index]
    return moved.assign(**{UNTIMED: untimed})


def find_untimed(queries: pd.DataFrame | Table) -> np.ndarray:
    """Whether nobody knows when each of the queries is asked [num_queries] bool; see `UNTIMED`."""
    return np.asarray(queries[UNTIMED]) if UNTIMED in queries else np.zeros(len(queries), bool)


def to_microseconds(times: pd.Series | np.ndarray) -> np.ndarray:
    """Microseconds since 1970 [num_times] int64, of times in any unit or in microseconds already."""
    return np.asarray(times).astype("datetime64[us]", copy=False).astype(np.int64)
