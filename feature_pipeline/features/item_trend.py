"""Whether an item is rising or fading."""

from collections.abc import Mapping
from typing import Self

import ibis.expr.types as ir
from pydantic import model_validator

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Moment, StateFeature
from feature_pipeline.features.window import BoundedWindow, Window, get_width
from feature_pipeline.schema import FeatureSpec

_NAME = "item_trend"


class ItemTrend(StateFeature):
    """The item's pace in a short window against a long one: `item_trend` (float64).

    1 means as many events a day lately as over the long window; more is rising. Null where the long window
    holds no event.

    Attributes:
        short: the window that says lately.
        long: the window to compare with.
    """

    side = "candidate"
    key = "item"
    short: BoundedWindow = "7d"
    long: BoundedWindow = "30d"

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if get_width(self.short) >= get_width(self.long):
            raise ValueError(f"expected short to be shorter than long, found {self.short} and {self.long}")
        return self

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_NAME, "candidate", "numeric")]

    def list_windows(self) -> list[Window]:
        return [self.short, self.long]

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        lately, longer = moment.count(self.short), moment.count(self.long).nullif(0)
        # As floats on every engine: DuckDB would read the quotient as a decimal.
        return {_NAME: lately.cast("float64") * (get_width(self.long) / get_width(self.short)) / longer}
