"""The season, by hemisphere."""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from feature_pipeline.features.calendar import to_date
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import MomentFeature
from feature_pipeline.features.window import MICROSECONDS
from feature_pipeline.schema import FeatureSpec

_SEASONS = ("winter", "spring", "summer", "autumn")
_HALF_A_YEAR = 2


class ContextSeason(MomentFeature):
    """Which meteorological season it is: `context_winter`, `context_spring`, ... (int64, 0 or 1).

    Attributes:
        hemisphere: `north`, where winter begins with December, or `south`.
    """

    hemisphere: Literal["north", "south"] = "north"

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(f"context_{season}", "context", "numeric") for season in _SEASONS]

    def read(self, as_of: ir.IntegerValue) -> Mapping[str, ir.Value]:
        month = to_date((as_of // MICROSECONDS["days"]).cast("int64")).month
        quarter = ((month % 12) // 3).cast("int64")
        shift = _HALF_A_YEAR if self.hemisphere == "south" else 0
        return {
            f"context_{season}": (quarter == (place + shift) % 4).cast("int64")
            for place, season in enumerate(_SEASONS)
        }
