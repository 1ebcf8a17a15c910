"""How long ago a user was last here."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import Unit
from feature_pipeline.schema import EVENT_TIME, FeatureSpec


class UserRecency(StateFeature):
    """Time since the user's last event: `user_days_since_last` (float64, null before the first event).

    Attributes:
        unit: of the value, and in the column's name.
    """

    side = "query"
    key = "user"
    unit: Unit = "days"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(self._name, "query", "numeric")]

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {self._name: moment.get_time_since(moment.get_state(EVENT_TIME), self.unit)}

    @property
    def _name(self) -> str:
        return f"user_{self.unit}_since_last"
