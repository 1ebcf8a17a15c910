"""Cold shares, counted by hand on ten events."""

import pandas as pd
import pytest

from feature_pipeline.config import SplitConfig
from feature_pipeline.profile.cold import describe_split
from feature_pipeline.splits import SplitError

# One event a day: days 1-6 train, 7-8 validate, 9-10 test.
EVENTS = pd.DataFrame(
    {
        "user_id": ["u", "u", "v", "v", "u", "u", "u", "w", "w", "x"],
        "item_id": ["a", "b", "a", "b", "a", "b", "c", "a", "c", "d"],
        "event_time": pd.date_range("2024-01-01", periods=10).astype("datetime64[us]"),
        "event_order": range(10),
    }
)
TEMPORAL = SplitConfig(name="temporal", validation_share=0.2, test_share=0.2)


def test_temporal_split():
    train, validation, test = describe_split(EVENTS, TEMPORAL)
    assert [(p.name, p.events, p.share) for p in (train, validation, test)] == [
        ("train", 6, 0.6),
        ("validation", 2, 0.2),
        ("test", 2, 0.2),
    ]
    assert train.unseen == {"item_id": 0.0, "user_id": 0.0}
    assert validation.unseen == {"item_id": 0.5, "user_id": 0.5}  # c; w
    assert test.unseen == {"item_id": 1.0, "user_id": 1.0}  # c is no training item, though validation has it
    assert (validation.first, validation.last) == (pd.Timestamp("2024-01-07"), pd.Timestamp("2024-01-08"))


def test_leave_last_out():
    train, validation, test = describe_split(EVENTS, SplitConfig(name="leave_last_out", min_events=3))
    assert (train.events, validation.events, test.events) == (8, 1, 1)  # u alone has three events
    assert validation.unseen == {"item_id": 0.0, "user_id": 0.0}  # b
    assert test.unseen["item_id"] == 0.0  # c, which w met in train


def test_too_few_events():
    with pytest.raises(SplitError, match=r"split\.min_events"):
        describe_split(EVENTS.head(2), SplitConfig(name="leave_last_out"))
