"""How closely the candidate and the user's last items stand together in everybody's histories."""

import ibis.expr.types as ir

from feature_pipeline.features.facts import STEPS_BACK, Columns, Facts
from feature_pipeline.features.feature import TableFeature
from feature_pipeline.features.steps import NumItems, look_up_steps
from feature_pipeline.point_in_time import ROW
from feature_pipeline.schema import FeatureSpec

_NAME = "pair_cooccurrence"


class PairCooccurrence(TableFeature):
    """Item-to-item weight of the candidate to the user's last items: `pair_cooccurrence` (float64).

    The mean over the last items of `near / sqrt(left * events)`: how often the two stood within `reach`
    events of each other, against how often the last item was left for another and how often the candidate was
    chosen (the cosine of item-to-item collaborative filtering; Sarwar et al. 2001). 0 where they never met,
    null where the user has no events.

    Attributes:
        reach: how many events apart still counts as together.
        last: how many of the user's last items to compare with.
    """

    side = "pair"
    reach: NumItems = 3
    last: NumItems = 5

    def get_reach(self) -> int:
        return self.reach

    def get_recent(self) -> int:
        return self.last

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(_NAME, "pair", "numeric", "often taken together with your recent ones")]

    def compute(self, facts: Facts) -> ir.Table:
        found = look_up_steps(facts)
        counted = facts.look_up(facts.rows, "item", 0, "item_").select(ROW, "item_events")
        joined = found.inner_join(counted, ROW)
        weight = joined["near"] / (joined["left"] * joined["item_events"]).nullif(0).sqrt()
        # One column for each step back, as in the transitions: floats add up in one order only.
        weights = {
            f"weight_{back}": weight.max(where=joined[STEPS_BACK] == back) for back in range(1, self.last + 1)
        }
        table = joined.group_by(ROW).aggregate(**weights, items=(joined[STEPS_BACK] <= self.last).sum())
        total = sum(table[name].fill_null(0.0) for name in weights)
        return table.select(ROW, **{_NAME: total / table["items"]})
