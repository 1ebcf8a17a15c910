"""What the events look like: when they happened, to which items, of which users."""

from dataclasses import dataclass
from math import ceil

import pandas as pd
from markupsafe import Markup

from feature_pipeline.profile import figures
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID

HEAD = 0.1


@dataclass(frozen=True)
class EventSummary:
    """The events in curves and a few figures.

    Attributes:
        count: number of events.
        first: time of the first event.
        last: time of the last event.
        users: users that have events.
        items: items that have events.
        period: `hour`, `day`, `week` or `month`: what the activity curve counts by.
        busiest: the start of the period with the most events.
        head_share: share of the events that the most popular `HEAD` of the met items take, 0 to 1.
        median_length: events of the median user.
        longest: events of the most active user.
        activity: events over time.
        popularity: events of an item by its rank.
        lengths: users by their number of events.
    """

    count: int
    first: pd.Timestamp
    last: pd.Timestamp
    users: int
    items: int
    period: str
    busiest: pd.Timestamp
    head_share: float
    median_length: float
    longest: int
    activity: Markup
    popularity: Markup
    lengths: Markup


def describe_events(interactions: pd.DataFrame) -> EventSummary:
    """Describes `user_id, item_id, event_time`, at least one event."""
    times = interactions[EVENT_TIME]
    by_period, period = figures.count_by_period(times)
    by_item = interactions[ITEM_ID].value_counts().to_numpy()
    by_user = interactions[USER_ID].value_counts().to_numpy()
    return EventSummary(
        count=len(interactions),
        first=times.min(),
        last=times.max(),
        users=len(by_user),
        items=len(by_item),
        period=period,
        busiest=by_period.index[int(by_period.argmax())],
        head_share=float(by_item[: ceil(HEAD * len(by_item))].sum() / len(interactions)),
        median_length=float(pd.Series(by_user).median()),
        longest=int(by_user.max()),
        activity=figures.draw_activity(by_period),
        popularity=figures.draw_popularity(by_item),
        lengths=figures.draw_history_lengths(by_user),
    )
