"""How active a user has been, as of a moment."""

import ibis.expr.types as ir

from feature_pipeline.point_in_time import MICROSECONDS_A_DAY, TimeLine, compute_before
from feature_pipeline.schema import EVENT_TIME, USER_ID, FeatureSpec

SPECS = (
    FeatureSpec("user_events_before", "query", "numeric"),
    FeatureSpec("user_events_30d", "query", "numeric"),
    FeatureSpec("user_days_since_last", "query", "numeric"),
    FeatureSpec("user_mean_gap_days", "query", "numeric"),
)


def compute(queries: ir.Table, events: ir.Table) -> ir.Table:
    """Computes the activity of each query's user.

    Args:
        queries: `row, user_id, as_of`.
        events: `user_id, event_time`; times in int64 microseconds.

    Returns:
        `row` and the columns of `SPECS`: counts (int64), days (float64, null before the first event) and the
        mean days between two events (null before the second).
    """
    return compute_before(queries, events.select(USER_ID, EVENT_TIME), [USER_ID], _activity)


def _activity(line: TimeLine) -> dict[str, ir.Value]:
    before = line.count(line.before())
    first = line.table[EVENT_TIME].min().over(line.before())
    last = line.table[EVENT_TIME].max().over(line.before())
    return {
        "user_events_before": before,
        "user_events_30d": line.count(line.trailing(days=30)),
        "user_days_since_last": line.days_since(last),
        "user_mean_gap_days": (last - first) / (before - 1).nullif(0) / MICROSECONDS_A_DAY,
    }
