"""Figures of the events, counted by hand."""

import pandas as pd

from feature_pipeline.profile.events import describe_events


def test_known_answers():
    events = pd.DataFrame(
        {
            "user_id": ["u"] * 6 + ["v"] * 3 + ["w"],
            "item_id": ["hit"] * 8 + ["rare", "once"],
            "event_time": pd.to_datetime(["2024-01-01"] * 2 + ["2024-02-01"] * 7 + ["2024-03-01"]),
        }
    )
    told = describe_events(events)
    assert (told.count, told.users, told.items) == (10, 3, 3)
    assert (told.first, told.last) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-01"))
    assert (told.period, told.busiest) == ("day", pd.Timestamp("2024-02-01"))
    assert (told.median_length, told.longest) == (3.0, 6)
    assert told.head_share == 0.8  # a tenth of three items is one item


def test_one_event():
    event = pd.DataFrame({"user_id": ["u"], "item_id": ["a"], "event_time": pd.to_datetime(["2024-01-01"])})
    told = describe_events(event)
    assert (told.count, told.head_share, told.median_length, told.period) == (1, 1.0, 1.0, "hour")
