"""Where in a session the user stands."""

import ibis
import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns, Facts
from feature_pipeline.features.feature import TableFeature
from feature_pipeline.features.window import MICROSECONDS, BoundedWindow, Unit, get_width
from feature_pipeline.point_in_time import AS_OF, ROW, Line, accumulate
from feature_pipeline.schema import EVENT_TIME, USER_ID, FeatureSpec


class ContextSession(TableFeature):
    """Events and time since the session began, sessions being cut where the user was idle.

    `context_session_position`: events of the session before this moment (int64), 0 at its start;
    `context_session_minutes`: time since its first event (float64), 0 at its start.

    Attributes:
        idle: a longer pause begins a new session.
        unit: of the length, and in its column's name.
    """

    side = "context"
    idle: BoundedWindow = "30m"
    unit: Unit = "minutes"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        names = ("context_session_position", f"context_session_{self.unit}")
        return [FeatureSpec(name, "context", "numeric") for name in names]

    def compute(self, facts: Facts) -> ir.Table:
        idle = get_width(self.idle)
        states = facts.share("states_session", _find_sessions(facts.events_of_users, idle))
        rows = facts.look_up_states(facts.rows, states, (USER_ID,), 0, "s_")
        goes_on = rows[AS_OF] - rows[f"s_{EVENT_TIME}"] <= idle
        position = goes_on.ifelse(rows["s_events"] - rows["s_events_at_start"], 0)
        length = goes_on.ifelse((rows[AS_OF] - rows["s_start"]) / MICROSECONDS[self.unit], 0.0)
        return rows.select(
            ROW,
            context_session_position=position.fill_null(0).cast("int64"),
            **{f"context_session_{self.unit}": length.fill_null(0.0)},
        )


def _find_sessions(events: ir.Table, idle: int) -> ir.Table:
    """The user's session after each event: `events` so far, `start` of the session, `events_at_start`."""
    in_order = ibis.window(group_by=USER_ID, order_by=EVENT_TIME)
    last = events[EVENT_TIME].lag().over(in_order)
    timed = events.select(USER_ID, EVENT_TIME, last=last, before=ibis.rank().over(in_order))
    is_start = timed["last"].isnull() | (timed[EVENT_TIME] - timed["last"] > idle)
    nothing = ibis.null().cast("int64")
    starts = timed.mutate(
        start=is_start.ifelse(timed[EVENT_TIME], nothing), before=is_start.ifelse(timed["before"], nothing)
    )
    line = Line(starts, (USER_ID,))
    return accumulate(
        starts,
        (USER_ID,),
        events=line.count(),
        start=line.max(starts["start"]),
        events_at_start=line.max(starts["before"]),
    )
