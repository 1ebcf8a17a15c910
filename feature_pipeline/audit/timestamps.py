"""Times that cannot be the exact moments they are declared to be."""

import pandas as pd

from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.subject import Subject
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID


def find_coarse_times(subject: Subject) -> list[Finding]:
    """Checks that not all events share one time, nor all stand at midnight where seconds are declared.

    Returns:
        One warning at most.
    """
    mapping, times = subject.dataset.interactions, subject.interactions[EVENT_TIME]
    raw = f"dataset.interactions.event_time={mapping.event_time}"
    if len(times) > 1 and times.nunique() == 1:
        remedy = f"name the column of the events' own times instead of {raw}"
        return [_warn("is the same for all events", subject.interactions, remedy)]
    is_exact = mapping.time_resolution == "second"
    if is_exact and times.nunique() > 1 and times.eq(times.dt.normalize()).all():
        remedy = (
            "set dataset.interactions.time_resolution to day, or give a column that holds the time of day"
        )
        return [
            _warn("is midnight for all events, though seconds are declared", subject.interactions, remedy)
        ]
    return []


def _warn(found: str, interactions: pd.DataFrame, remedy: str) -> Finding:
    first = interactions.iloc[0]
    example = f"user {first[USER_ID]!r}, item {first[ITEM_ID]!r}: {first[EVENT_TIME]}"
    return Finding("warning", "timestamps", EVENT_TIME, found, example, remedy)
