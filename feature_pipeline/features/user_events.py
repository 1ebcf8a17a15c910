"""How many events a user had."""

from collections.abc import Mapping

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import ALL, Window, get_suffix
from feature_pipeline.schema import FeatureSpec


class UserEvents(StateFeature):
    """Events of the user in trailing windows: `user_events_before`, `user_events_30d`, ... (int64).

    Attributes:
        windows: how far back to look.
    """

    side = "query"
    key = "user"
    windows: tuple[Window, ...] = (ALL, "30d")

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [
            FeatureSpec(f"user_events_{get_suffix(window)}", "query", "numeric") for window in self.windows
        ]

    def list_windows(self) -> list[Window]:
        return list(self.windows)

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {f"user_events_{get_suffix(window)}": moment.count(window) for window in self.windows}
