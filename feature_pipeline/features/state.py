"""The states that most features read: events, weight, first and last time of a user, an item, or both."""

from typing import Literal

import ibis.expr.types as ir

from feature_pipeline.point_in_time import Line, accumulate
from feature_pipeline.schema import ITEM_ID, USER_ID, WEIGHT

StateKey = Literal["user", "item", "user_item"]

KEY_COLUMNS: dict[StateKey, tuple[str, ...]] = {
    "user": (USER_ID,),
    "item": (ITEM_ID,),
    "user_item": (USER_ID, ITEM_ID),
}
MICRO = 1_000_000


def build_states(events: ir.Table, key: StateKey) -> ir.Table:
    """The state of each key after every instant.

    Args:
        events: `user_id, item_id, event_time, weight` (int64 millionths).
        key: whose state.

    Returns:
        The key's columns, `event_time` (the latest event), `events` (how many), `weight` (their sum in
        millionths) and `first` (time of the first), all int64.
    """
    columns = KEY_COLUMNS[key]
    line = Line(events, columns)
    return accumulate(
        events, columns, events=line.count(), weight=line.sum(events[WEIGHT]), first=line.first()
    )
