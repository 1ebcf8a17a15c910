"""How far the item lies from what the user usually takes: in price, year, or any other number."""

import ibis
import ibis.expr.types as ir

from feature_pipeline.features.facts import QUERY, VALUE, Columns, Facts, choose, join_columns
from feature_pipeline.features.feature import TableFeature
from feature_pipeline.features.state import MICRO
from feature_pipeline.point_in_time import ROW, Line, accumulate
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec


class PairCloseness(TableFeature):
    """The item's number less the mean over the user's earlier items: `pair_<number>_against_usual` (float64).

    In the feature's own unit; null where the item's number or all of the user's are unknown.

    Attributes:
        numbers: which item features; all numeric ones where none is named.
    """

    side = "pair"
    numbers: tuple[str, ...] = ()

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_name(n), "pair", "numeric") for n in self._choose(columns)]

    def compute(self, facts: Facts) -> ir.Table:
        table = facts.rows.select(ROW)
        for number in self._choose(facts.columns):
            table = join_columns(table, _compute(facts, number))
        return table

    def _choose(self, columns: Columns) -> tuple[str, ...]:
        return choose(self.numbers, columns.numbers, "point_in_time.pair_closeness.numbers")


def _name(number: str) -> str:
    return f"pair_{number}_against_usual"


def _compute(facts: Facts, number: str) -> ir.Table:
    values = facts.get_numbers(number)
    known = facts.events_of_users.inner_join(values, ITEM_ID).select(USER_ID, EVENT_TIME, VALUE)
    line = Line(known, (USER_ID,))
    states = accumulate(known, (USER_ID,), events=line.count(), total=line.sum(known[VALUE]))
    # The user's usual is one for all candidates of a query.
    usual = facts.look_up_states(
        facts.queries, facts.share(f"states_of_{number}", states), (USER_ID,), 0, "u_"
    )
    usual = usual.select(QUERY, mean=ibis._["u_total"] / ibis._["u_events"])
    rows = facts.rows.inner_join(values, ITEM_ID).inner_join(usual, QUERY)
    return rows.select(ROW, **{_name(number): (rows[VALUE] - rows["mean"]) / MICRO})
