"""What one user and one item have to do with each other, as of a moment."""

import ibis
import ibis.expr.types as ir
import pandas as pd

from feature_pipeline.point_in_time import AS_OF, ROW, TimeLine, compute_before
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

QUERY = "query"
FROM_ITEM = "from_item"
STEPS_BACK = "steps_back"
VALUE = "value"
RECENT_ITEMS = 3

SPECS = (
    FeatureSpec("pair_times_met", "pair", "numeric", "you came back to it before"),
    FeatureSpec("pair_transitions_last1", "pair", "numeric", "what others took right after your last one"),
    FeatureSpec("pair_transitions_last3", "pair", "numeric", "what others took after your last three"),
)


def compute_times_met(rows: ir.Table, events: ir.Table) -> ir.Table:
    """Counts how often the user met the item: `row, pair_times_met` (int64).

    Args:
        rows: `row, user_id, item_id, as_of`.
        events: `user_id, item_id, event_time`; times in int64 microseconds.
    """
    earlier = rows.left_join(events, [USER_ID, ITEM_ID, rows[AS_OF] > events[EVENT_TIME]])
    return earlier.group_by(ROW).aggregate(pair_times_met=earlier[EVENT_TIME].count())


def find_steps(events: pd.DataFrame) -> pd.DataFrame:
    """Finds every step of a user from one event to the next.

    Args:
        events: `user_id, item_id, event_time, event_order`, in any order.

    Returns:
        `from_item, item_id, event_time` (of the arrival), in no order.
    """
    ordered = events.sort_values([USER_ID, EVENT_TIME, EVENT_ORDER])
    previous = ordered.shift()
    steps = ordered.assign(**{FROM_ITEM: previous[ITEM_ID]})[ordered[USER_ID] == previous[USER_ID]]
    return steps[[FROM_ITEM, ITEM_ID, EVENT_TIME]].astype({FROM_ITEM: events[ITEM_ID].dtype})


def compute_transitions(rows: ir.Table, recent: ir.Table, steps: ir.Table) -> ir.Table:
    """Computes which share of all steps out of the user's last items went to this item.

    Args:
        rows: `row, query, item_id, as_of`.
        recent: the last items of each query: `row` (unique in this table), `query, from_item, as_of,
            steps_back` (1 is the latest, `RECENT_ITEMS` the earliest).
        steps: `from_item, item_id, event_time`, see `find_steps`.

    Returns:
        `row, pair_transitions_last1, pair_transitions_last3`, float64 in [0, 1]. `last1` is null where nobody
        had left the last item before; `last3` is the mean over those of the last three items that somebody
        had left. Rows of queries without such an item are absent.
    """
    outgoing = compute_before(recent, steps.select(FROM_ITEM, EVENT_TIME), [FROM_ITEM], _count_outgoing)
    left = recent.inner_join(outgoing, ROW).filter(ibis._.outgoing > 0)
    asked = rows.inner_join(left.select(QUERY, FROM_ITEM, STEPS_BACK, "outgoing"), QUERY)
    taken = asked.left_join(steps, [FROM_ITEM, ITEM_ID, asked[AS_OF] > steps[EVENT_TIME]])
    # One column for each step back: a mean over rows would add floats in the order the threads deliver them.
    counts = {}
    for back in range(1, RECENT_ITEMS + 1):
        here = taken[STEPS_BACK] == back
        counts[f"share_{back}"] = taken[EVENT_TIME].count(where=here) / taken["outgoing"].max(where=here)
    shares = taken.group_by(ROW).aggregate(**counts)
    columns = [shares[name] for name in counts]
    known = sum(column.notnull().cast("int64") for column in columns)
    return shares.select(
        ROW,
        pair_transitions_last1=columns[0],
        pair_transitions_last3=sum(column.fill_null(0.0) for column in columns) / known,
    )


def _count_outgoing(line: TimeLine) -> dict[str, ir.Value]:
    return {"outgoing": line.count(line.before())}


def build_share_spec(category: str) -> FeatureSpec:
    """The spec of `compute_category_share` for one categorical item feature."""
    words = category.replace("_", " ")
    return FeatureSpec(f"pair_share_{category}", "pair", "numeric", f"{words} you choose often")


def compute_category_share(
    rows: ir.Table, queries: ir.Table, values: ir.Table, events: ir.Table, category: str
) -> ir.Table:
    """Computes which share of the user's earlier events was with items of this item's category.

    Args:
        rows: `row, query, item_id`.
        queries: `query, user_id, as_of`.
        values: `item_id, value`, one row for each value of the category an item has.
        events: `user_id, item_id, event_time`.
        category: name of the item feature.

    Returns:
        `row, pair_share_<category>`, float64 in [0, 1], the mean over the item's values; rows of users
        without events, or of items without values, are absent.
    """
    met = queries.inner_join(events, [USER_ID, queries[AS_OF] > events[EVENT_TIME]]).select(QUERY, ITEM_ID)
    every = met.group_by(QUERY).aggregate(every=met.count())
    same = met.inner_join(values, ITEM_ID).group_by([QUERY, VALUE]).aggregate(same=ibis._.count())
    wanted = rows.inner_join(values, ITEM_ID).select(ROW, QUERY, VALUE).left_join(same, [QUERY, VALUE])
    sums = wanted.group_by([ROW, QUERY]).aggregate(same=wanted["same"].sum(), values=wanted.count())
    joined = sums.inner_join(every, QUERY)
    # The mean of the values' shares, as one division of whole numbers.
    share = joined["same"].fill_null(0) / (joined["values"] * joined["every"])
    return joined.select(ROW, **{build_share_spec(category).name: share})
