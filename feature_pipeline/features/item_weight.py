"""How well an item was received."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.state import MICRO
from feature_pipeline.schema import WEIGHT, FeatureSpec

_NAME = "item_mean_weight"


class ItemWeight(StateFeature):
    """Mean weight of the item's events: `item_mean_weight` (float64, null before the first)."""

    side = "candidate"
    key = "item"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_NAME, "candidate", "numeric")]

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {_NAME: moment.add_up(WEIGHT) / moment.count().nullif(0) / MICRO}
