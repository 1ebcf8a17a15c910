"""Invented events for the tests of the log."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from feature_pipeline.events import Event

MOMENT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def make_event(event_id: str | int, /, **changes: Any) -> Event:
    """A click; the same for the same arguments."""
    values = {
        "event_id": str(event_id),
        "user_id": "ann",
        "item_id": "cup",
        "event_type": "click",
        "event_time": MOMENT,
        "provenance": "human",
    }
    return Event(**values | changes)


def texts(max_size: int) -> st.SearchStrategy[str]:
    """All that an id may be: no control characters, and no halves of characters."""
    return st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=max_size)


@st.composite
def events(draw: st.DrawFn, event_id: str) -> Event:
    """Any valid event of this id."""
    event_type = draw(st.sampled_from(["impression", "click", "like", "undo"]))
    undone = texts(100).filter(lambda text: text != event_id)
    offsets = st.timedeltas(timedelta(hours=-14), timedelta(hours=14))
    earliest, latest = datetime(1, 1, 2), datetime(9999, 12, 30)
    return Event(
        event_id=event_id,
        user_id=draw(texts(500)),
        item_id=draw(texts(500)),
        event_type=event_type,
        event_time=draw(st.datetimes(earliest, latest, timezones=offsets.map(timezone))),
        bundle=draw(st.none() | texts(100)),
        position=draw(st.none() | st.integers(1, 2**31 - 1)),
        provenance=draw(st.sampled_from(["human", "simulated", "imported"])),
        session=draw(st.none() | texts(100)),
        undoes=draw(undone) if event_type == "undo" else None,
    )
