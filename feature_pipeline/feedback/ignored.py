"""What was shown and left: impressions after which nobody chose the item."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd

from feature_pipeline.events import Event
from feature_pipeline.events.event import to_microseconds
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, POSITION, USER_ID

_MICROSECOND = timedelta(microseconds=1)
# Without a session, an answer to what was shown comes within this time.
PATIENCE = timedelta(hours=1)


def find_ignored(
    events: Sequence[tuple[int, Event]], types: Collection[str], provenance: Collection[str]
) -> pd.DataFrame:
    """Impressions of an item that the user did not choose, in the same session or within an hour after.

    Whoever took a choice back has looked at the item all the same, and not ignored it. Impressions without a
    position tell too little, as nobody knows whether that place was looked at.

    Args:
        events: of the log, with their sequence numbers.
        types: event types that are a choice.
        provenance: whose impressions count.

    Returns:
        `user_id, item_id, event_time, position` (from 1), in the order of the log.
    """
    sessions, times = _find_choices(events, types)
    ignored = [
        event
        for _, event in events
        if event.event_type == "impression"
        and event.position is not None
        and event.provenance in provenance
        and (event.session is None or (event.user_id, event.item_id, event.session) not in sessions)
        and not _is_chosen_within(event, times.get((event.user_id, event.item_id), ()))
    ]
    moments = np.array([to_microseconds(event.event_time) for event in ignored], np.int64)
    return pd.DataFrame(
        {
            USER_ID: pd.Series([event.user_id for event in ignored], dtype="str"),
            ITEM_ID: pd.Series([event.item_id for event in ignored], dtype="str"),
            EVENT_TIME: moments.astype("datetime64[us]"),
            POSITION: np.array([event.position for event in ignored], np.int64),
        }
    )


def _find_choices(
    events: Sequence[tuple[int, Event]], types: Collection[str]
) -> tuple[set[tuple[str, str, str]], dict[tuple[str, str], list[int]]]:
    """User, item and session of each choice, and the times of choices by user and item."""
    sessions, times = set(), dict[tuple[str, str], list[int]]()
    for _, event in events:
        if event.event_type in types:
            times.setdefault((event.user_id, event.item_id), []).append(to_microseconds(event.event_time))
            if event.session is not None:
                sessions.add((event.user_id, event.item_id, event.session))
    return sessions, times


def _is_chosen_within(event: Event, choices: Collection[int]) -> bool:
    shown = to_microseconds(event.event_time)
    return any(shown <= chosen <= shown + PATIENCE // _MICROSECOND for chosen in choices)
