"""How far apart a user's events lie."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import MICROSECONDS, Unit
from feature_pipeline.schema import EVENT_TIME, FeatureSpec


class UserMeanGap(StateFeature):
    """Mean time between two events: `user_mean_gap_days` (float64, null before the second event).

    Attributes:
        unit: of the value, and in the column's name.
    """

    side = "query"
    key = "user"
    unit: Unit = "days"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(self._name, "query", "numeric")]

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        span = moment.get_state(EVENT_TIME) - moment.get_state("first")
        return {self._name: span / (moment.count() - 1).nullif(0) / MICROSECONDS[self.unit]}

    @property
    def _name(self) -> str:
        return f"user_mean_gap_{self.unit}"
