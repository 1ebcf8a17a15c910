"""How many different items a user met."""

import ibis
import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns, Facts
from feature_pipeline.features.feature import TableFeature
from feature_pipeline.point_in_time import ROW, Line, accumulate
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

_NAME = "user_distinct_items"


class UserDistinctItems(TableFeature):
    """Different items that the user met before: `user_distinct_items` (int64)."""

    side = "query"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_NAME, "query", "numeric")]

    def compute(self, facts: Facts) -> ir.Table:
        events = facts.events_of_users
        first = ibis._[EVENT_TIME].min()
        met = events.group_by(USER_ID, ITEM_ID).aggregate(**{EVENT_TIME: first})
        states = accumulate(met, [USER_ID], items=Line(met, [USER_ID]).count())
        states = facts.share("states_met", states)
        rows = facts.look_up_states(facts.rows, states, (USER_ID,), 0, "met_")
        return rows.select(ROW, **{_NAME: rows["met_items"].fill_null(0)})
