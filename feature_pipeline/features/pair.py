"""What one user and one item have to do with each other, as of a moment."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from feature_pipeline.point_in_time import AS_OF, ROW, compute_before
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

QUERY = "query"
FROM_ITEM = "from_item"
STEPS_BACK = "steps_back"
VALUE = "value"

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
    key = [USER_ID, ITEM_ID]
    return compute_before(rows, events.select(*key, EVENT_TIME), key, lambda line: {"pair_times_met": line.count(line.before())})


def compute_transitions(rows: ir.Table, recent: ir.Table, events: ir.Table) -> ir.Table:
    """Computes which share of all steps out of the user's last items went to this item.

    Args:
        rows: `row, query, item_id, as_of`.
        recent: the last items of each query: `query, from_item, as_of, steps_back` (1 is the latest).
        events: `user_id, item_id, event_time, event_order`.

    Returns:
        `row, pair_transitions_last1, pair_transitions_last3`, float64 in [0, 1]; rows without any such step
        are absent. `last3` is the mean over up to three last items.
    """
    in_order = ibis.window(group_by=USER_ID, order_by=[EVENT_TIME, EVENT_ORDER])
    steps = events.mutate(from_item=events[ITEM_ID].lag().over(in_order)).filter(ibis._[FROM_ITEM].notnull())
    outgoing = compute_before(
        recent.mutate(row=ibis.row_number()),
        steps.select(FROM_ITEM, EVENT_TIME),
        [FROM_ITEM],
        lambda line: {"outgoing": line.count(line.before())},
    )
    totals = recent.mutate(row=ibis.row_number()).inner_join(outgoing, ROW).select(QUERY, FROM_ITEM, STEPS_BACK, "outgoing")
    asked = rows.inner_join(totals, QUERY).filter(ibis._.outgoing > 0)
    asked = asked.select(ROW, ITEM_ID, AS_OF, FROM_ITEM, STEPS_BACK, "outgoing").mutate(step=ibis.row_number())
    taken = compute_before(
        asked.select(FROM_ITEM, ITEM_ID, AS_OF, row="step"),
        steps.select(FROM_ITEM, ITEM_ID, EVENT_TIME),
        [FROM_ITEM, ITEM_ID],
        lambda line: {"taken": line.count(line.before())},
    )
    shares = asked.inner_join(taken.rename(step=ROW), "step")
    share = shares.taken / shares.outgoing
    return shares.group_by(ROW).aggregate(
        pair_transitions_last1=ibis.coalesce(share.max(where=shares[STEPS_BACK] == 1), 0.0),
        pair_transitions_last3=share.mean(),
    )


def build_share_spec(category: str) -> FeatureSpec:
    """The spec of `compute_category_share` for one categorical item feature."""
    return FeatureSpec(f"pair_share_{category}", "pair", "numeric", f"{category.replace('_', ' ')} you choose often")


def compute_category_share(rows: ir.Table, values: ir.Table, events: ir.Table, category: str) -> ir.Table:
    """Computes which share of the user's earlier events was with items of this item's category.

    Args:
        rows: `row, query, user_id, item_id, as_of`.
        values: `item_id, value`, one row for each value of the category an item has.
        events: `user_id, item_id, event_time`.
        category: name of the item feature.

    Returns:
        `row, pair_share_<category>`, float64 in [0, 1], the mean over the item's values; rows of users
        without events, or of items without values, are absent.
    """
    # Asked once for each query and value, not once for each row: candidates of a query share their values.
    asked = rows.inner_join(values, ITEM_ID).select(QUERY, USER_ID, AS_OF, VALUE).distinct()
    asked = asked.mutate(row=ibis.row_number())
    valued = events.inner_join(values, ITEM_ID).select(USER_ID, VALUE, EVENT_TIME)
    same = compute_before(asked, valued, [USER_ID, VALUE], lambda line: {"same": line.count(line.before())})
    every = compute_before(
        asked, events.select(USER_ID, EVENT_TIME), [USER_ID], lambda line: {"every": line.count(line.before())}
    )
    counts = asked.inner_join(same, ROW).inner_join(every, ROW).filter(ibis._.every > 0)
    shares = counts.select(QUERY, VALUE, share=counts.same / counts.every)
    joined = rows.inner_join(values, ITEM_ID).select(ROW, QUERY, VALUE).inner_join(shares, [QUERY, VALUE])
    return joined.group_by(ROW).aggregate(**{build_share_spec(category).name: joined.share.mean()})


def join_rows(rows: ir.Table, computed: Sequence[ir.Table]) -> ir.Table:
    """Joins feature tables to `rows` by `row`; a feature that a row lacks is null."""
    joined = rows.select(ROW)
    for table in computed:
        joined = joined.left_join(table, ROW).drop(f"{ROW}_right")
    return joined
