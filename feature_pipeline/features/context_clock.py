"""The moment on its clocks: hour of the day, day of the week, month of the year."""

from collections.abc import Mapping
from math import tau
from typing import Literal

import ibis.expr.types as ir

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import MomentFeature
from feature_pipeline.features.window import MICROSECONDS
from feature_pipeline.schema import FeatureSpec

_PERIODS_IN_DAYS = {"hour": 1.0, "weekday": 7.0, "year": 365.2425}


class ContextClock(MomentFeature):
    """Sine and cosine of the phase, so that the end of a period lies beside its start.

    `context_hour_sin`, `context_hour_cos`, `context_weekday_...` and `context_year_...` (which says the
    month, and the day in it), float64 in [-1, 1].

    Attributes:
        periods: which clocks.
        utc_offset_hours: of the place whose clock counts; 0 is UTC.
    """

    periods: tuple[Literal["hour", "weekday", "year"], ...] = ("hour", "weekday", "year")
    utc_offset_hours: float = 0.0

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        names = [f"context_{period}_{wave}" for period in self.periods for wave in ("sin", "cos")]
        return [FeatureSpec(name, "context", "numeric") for name in names]

    def read(self, as_of: ir.IntegerValue) -> Mapping[str, ir.Value]:
        days = (as_of + round(self.utc_offset_hours * MICROSECONDS["hours"])) / MICROSECONDS["days"]
        waves = {}
        for period in self.periods:
            phase = days * (tau / _PERIODS_IN_DAYS[period])
            waves[f"context_{period}_sin"] = phase.sin()
            waves[f"context_{period}_cos"] = phase.cos()
        return waves
