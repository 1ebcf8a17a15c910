"""Whether the user knows the item already."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import Unit
from feature_pipeline.schema import EVENT_TIME, FeatureSpec


class PairMet(StateFeature):
    """How often the user met the item, and how long ago last.

    `pair_times_met` (int64) and `pair_days_since_met` (float64, null before the first time).

    Attributes:
        unit: of the time, and in its column's name.
    """

    side = "pair"
    key = "user_item"
    unit: Unit = "days"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [
            FeatureSpec("pair_times_met", "pair", "numeric", "you came back to it before"),
            FeatureSpec(self._since, "pair", "numeric"),
        ]

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        since = moment.get_time_since(moment.get_state(EVENT_TIME), self.unit)
        return {"pair_times_met": moment.count(), self._since: since}

    @property
    def _since(self) -> str:
        return f"pair_{self.unit}_since_met"
