"""How long an item has been around."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import Unit
from feature_pipeline.schema import FeatureSpec


class ItemAge(StateFeature):
    """Time since the item's first event: `item_age_days` (float64, null before it).

    Attributes:
        unit: of the value, and in the column's name.
    """

    side = "candidate"
    key = "item"
    unit: Unit = "days"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(self._name, "candidate", "numeric")]

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {self._name: moment.get_time_since(moment.get_state("first"), self.unit)}

    @property
    def _name(self) -> str:
        return f"item_age_{self.unit}"
