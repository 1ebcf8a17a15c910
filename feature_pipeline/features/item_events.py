"""How many events an item had."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import ALL, Window, describe, get_suffix
from feature_pipeline.schema import FeatureSpec


class ItemEvents(StateFeature):
    """Events of the item in trailing windows: `item_events_before`, `item_events_7d`, ... (int64).

    Attributes:
        windows: how far back to look.
    """

    side = "candidate"
    key = "item"
    windows: tuple[Window, ...] = (ALL, "1d", "7d", "30d", "365d")

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [
            FeatureSpec(
                f"item_events_{get_suffix(w)}",
                "candidate",
                "numeric",
                _REASONS.get(w, f"popular {describe(w)}"),
            )
            for w in self.windows
        ]

    def list_windows(self) -> list[Window]:
        return list(self.windows)

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {f"item_events_{get_suffix(window)}": moment.count(window) for window in self.windows}


_REASONS = {
    ALL: "popular with others",
    "1d": "popular today",
    "7d": "popular this week",
    "30d": "popular this month",
    "365d": "popular this year",
}
