"""How popular an item has been, as of a moment."""

import ibis.expr.types as ir

from feature_pipeline.point_in_time import TimeLine, compute_before
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, FeatureSpec

SPECS = (
    FeatureSpec("item_events_before", "candidate", "numeric", "popular with others"),
    FeatureSpec("item_events_7d", "candidate", "numeric", "popular this week"),
    FeatureSpec("item_events_30d", "candidate", "numeric", "popular this month"),
    FeatureSpec("item_age_days", "candidate", "numeric"),
)


def compute(rows: ir.Table, events: ir.Table) -> ir.Table:
    """Computes the popularity of each row's item.

    Args:
        rows: `row, item_id, as_of`.
        events: `item_id, event_time`; times in int64 microseconds.

    Returns:
        `row` and the columns of `SPECS`: counts (int64), and days since the first event (float64, null where
        there is none).
    """
    return compute_before(rows, events.select(ITEM_ID, EVENT_TIME), [ITEM_ID], _popularity)


def _popularity(line: TimeLine) -> dict[str, ir.Value]:
    return {
        "item_events_before": line.count(line.before()),
        "item_events_7d": line.count(line.trailing(days=7)),
        "item_events_30d": line.count(line.trailing(days=30)),
        "item_age_days": line.days_since(line.table[EVENT_TIME].min().over(line.before())),
    }
