"""How near the next or last celebration is."""

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
from pydantic import field_validator

from feature_pipeline.features.calendar import estimate_year, to_days
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import MomentFeature
from feature_pipeline.features.window import MICROSECONDS
from feature_pipeline.schema import FeatureSpec

_NAME = "context_days_to_celebration"
_LEAP_YEAR = 2000


class ContextCelebrations(MomentFeature):
    """Whole days to the nearest celebration, before or after it: `context_days_to_celebration` (int64).

    Attributes:
        dates: month and day of each, as `12-25`.
    """

    dates: tuple[str, ...] = ("01-01", "02-14", "10-31", "12-25")

    @field_validator("dates")
    @classmethod
    def _check_dates(cls, dates: tuple[str, ...]) -> tuple[str, ...]:
        if not dates:
            raise ValueError("expected at least one date, as 12-25")
        for text in dates:
            try:
                date.fromisoformat(f"{_LEAP_YEAR}-{text}")
            except ValueError:
                raise ValueError(f"expected month and day, as 12-25, found {text!r}") from None
        return dates

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_NAME, "context", "numeric")]

    def read(self, as_of: ir.IntegerValue) -> Mapping[str, ir.Value]:
        today = (as_of // MICROSECONDS["days"]).cast("int64")
        # The years on both sides make good for an estimate that is one off.
        year = estimate_year(today)
        days = [date.fromisoformat(f"{_LEAP_YEAR}-{text}") for text in self.dates]
        distances = [(to_days(year + y, d.month, d.day) - today).abs() for d in days for y in (-1, 0, 1)]
        return {_NAME: ibis.least(*distances)}
