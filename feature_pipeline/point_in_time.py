"""What was known just before a moment: windows over the events strictly earlier than a query's `as_of`.

Queries and events are laid on one time line for each key. A query at time t stands at 2 t and an event at
2 t + 1 (microseconds), so an event of the same instant comes after the query and is never read; a window
`[t - width, t)` is then a plain range of whole numbers, the same on every engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.expr.builders import WindowBuilder

from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, USER_ID

ROW = "row"
AS_OF = "as_of"
AS_OF_ORDER = "as_of_order"
MICROSECONDS_A_DAY = 86_400_000_000
LAST_ORDER = np.iinfo(np.int64).max

_MOMENT = "moment"
_IS_EVENT = "is_event"


@dataclass(frozen=True)
class TimeLine:
    """Queries and events of one key on one line; hands out windows that end just before each query."""

    table: ir.Table
    key: Sequence[str]

    def before(self) -> WindowBuilder:
        """Window over all earlier events of the key."""
        return ibis.range_window(group_by=self.key, order_by=_MOMENT, following=0)

    def trailing(self, days: int) -> WindowBuilder:
        """Window over the events of the key in `[as_of - days, as_of)`."""
        width = 2 * days * MICROSECONDS_A_DAY
        return ibis.range_window(group_by=self.key, order_by=_MOMENT, preceding=width, following=0)

    def count(self, window: WindowBuilder) -> ir.IntegerValue:
        """How many events the window holds, int64."""
        return self.table[_IS_EVENT].sum().over(window).cast("int64")

    def days_since(self, moment: ir.IntegerValue) -> ir.FloatingValue:
        """Days from an event's time (microseconds) to the query; null where there is no such event."""
        return (self.table[_MOMENT] - moment * 2) / (2 * MICROSECONDS_A_DAY)


def compute_before(
    queries: ir.Table,
    events: ir.Table,
    key: Sequence[str],
    build: Callable[[TimeLine], Mapping[str, ir.Value]],
) -> ir.Table:
    """Computes window values for every query from the events strictly before it.

    Args:
        queries: columns `row` (int64, unique), `as_of` (int64 microseconds since 1970), and the key's.
        events: columns `event_time` (int64 microseconds), and the key's; others may be read by `build`.
        key: the columns that queries and events share.
        build: from a time line to the named values.

    Returns:
        `row` and the named values, one row a query, in no order.
    """
    values = [name for name in events.columns if name not in key]
    nulls = {name: ibis.null().cast(events[name].type()) for name in values}
    asked = queries.select(ROW, *key, **{_MOMENT: queries[AS_OF] * 2, _IS_EVENT: ibis.literal(0)}, **nulls)
    happened = events.select(
        *key,
        *values,
        **{ROW: ibis.null().cast("int64"), _MOMENT: events[EVENT_TIME] * 2 + 1, _IS_EVENT: ibis.literal(1)},
    )
    line = TimeLine(ibis.union(asked, happened.select(*asked.columns)), key)
    names = build(line)
    return line.table.mutate(**names).filter(ibis._[ROW].notnull()).select(ROW, *names)


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


def to_microseconds(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970 [num_times] int64, of times in any unit or in microseconds already."""
    return times.to_numpy().astype("datetime64[us]").astype(np.int64)
