"""Steps of users from one item to another near it: found once, looked up as of each query."""

from typing import Annotated

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from feature_pipeline.features.facts import FROM_ITEM, QUERY, STEPS_BACK, Facts
from feature_pipeline.features.timeline import order_events
from feature_pipeline.point_in_time import AS_OF, ROW, Line, accumulate
from feature_pipeline.schema import ITEM_ID

# More than any number of recent items, so that a row and a step make one whole number.
_MAX_STEPS = 64
NumItems = Annotated[int, Field(ge=1, lt=_MAX_STEPS)]


def find_steps(events: pd.DataFrame, reach: int) -> pd.DataFrame:
    """Finds which items stand near each other in the users' histories.

    Args:
        events: `user_id, item_id, event_time, event_order`, in any order.
        reach: how many events apart at most.

    Returns:
        See `Timeline.find_steps`.
    """
    timeline = order_events(events)
    return pd.DataFrame(timeline.find_steps(np.arange(len(timeline)), reach))


def look_up_steps(facts: Facts) -> ir.Table:
    """What had happened between each recent item of the query and the candidate.

    Returns:
        One row for each candidate and recent item: `row, steps_back` of the recent item, `direct` (steps from
        it straight to the candidate), `left` (steps from it straight to anything) and `near` (how often the
        two stood near each other), int64.
    """
    steps = facts.steps_between_items
    steps = steps.mutate(is_direct=(steps[STEPS_BACK] == 1).cast("int64"))
    asked = facts.rows.inner_join(_count_leaving(facts, steps), QUERY)
    asked = asked.mutate(candidate=asked[ROW], **{ROW: asked[ROW] * _MAX_STEPS + asked[STEPS_BACK]})
    asked = facts.share(
        "asked_steps", asked.select(ROW, "candidate", FROM_ITEM, ITEM_ID, AS_OF, STEPS_BACK, "left")
    )
    line = Line(steps, (FROM_ITEM, ITEM_ID))
    between = accumulate(steps, line.key, direct=line.sum(steps["is_direct"]), near=line.count())
    found = facts.look_up_states(asked, facts.share("states_steps", between), line.key, 0, "to_")
    counts = {name: found[f"to_{name}"].fill_null(0) for name in ("direct", "near")}
    return facts.share("found_steps", found.select(STEPS_BACK, "left", **{ROW: found["candidate"]}, **counts))


def _count_leaving(facts: Facts, steps: ir.Table) -> ir.Table:
    """How often each recent item had been left for another: `query, from_item, steps_back, left`."""
    line = Line(steps, (FROM_ITEM,))
    leaving = accumulate(steps, line.key, left=line.sum(steps["is_direct"]))
    recent = facts.recent
    recent = recent.filter(recent[STEPS_BACK] < _MAX_STEPS)
    found = facts.look_up_states(recent, facts.share("states_leaving", leaving), line.key, 0, "from_")
    return found.select(QUERY, FROM_ITEM, STEPS_BACK, left=found["from_left"].fill_null(0))
