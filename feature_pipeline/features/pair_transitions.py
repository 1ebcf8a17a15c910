"""What others took right after the user's last items."""

import ibis.expr.types as ir
from pydantic import Field

from feature_pipeline.features.facts import STEPS_BACK, Columns, Facts
from feature_pipeline.features.feature import TableFeature
from feature_pipeline.features.steps import NumItems, look_up_steps
from feature_pipeline.point_in_time import ROW
from feature_pipeline.schema import FeatureSpec

_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


class PairTransitions(TableFeature):
    """Share of all steps out of the user's last items that went to this item: `pair_transitions_last1`, ...

    float64 in [0, 1]; the mean over those of the last items that somebody had left before, null where nobody
    had.

    Attributes:
        lasts: over how many last items each column takes the mean.
    """

    side = "pair"
    lasts: tuple[NumItems, ...] = Field(default=(1, 3, 5), min_length=1)

    def get_reach(self) -> int:
        return 1

    def get_recent(self) -> int:
        return max(self.lasts)

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_name(last), "pair", "numeric", _describe(last)) for last in self.lasts]

    def compute(self, facts: Facts) -> ir.Table:
        found = look_up_steps(facts)
        # One column for each step back: a mean over rows would add floats in the order the threads deliver
        # them.
        shares = {}
        for back in range(1, max(self.lasts) + 1):
            here = found[STEPS_BACK] == back
            left = found["left"].max(where=here).nullif(0)
            shares[f"share_{back}"] = found["direct"].max(where=here) / left
        table = found.group_by(ROW).aggregate(**shares)
        columns = [table[name] for name in shares]
        return table.select(ROW, **{_name(last): _mean(columns[:last]) for last in self.lasts})


def _name(last: int) -> str:
    return f"pair_transitions_last{last}"


def _describe(last: int) -> str:
    if last == 1:
        return "what others took right after your last one"
    return f"what others took after your last {_WORDS.get(last, last)}"


def _mean(columns: list[ir.FloatingValue]) -> ir.FloatingValue:
    """The mean of those that are known, null where none is."""
    known = sum(column.notnull().cast("int64") for column in columns)
    return sum(column.fill_null(0.0) for column in columns) / known.nullif(0)
