"""The event log: what people were shown and what they did, appended once and read in that order."""

from feature_pipeline.events.connect import open_log
from feature_pipeline.events.event import Event
from feature_pipeline.events.log import EventConflictError, EventLog, EventLogError

__all__ = ["Event", "EventConflictError", "EventLog", "EventLogError", "open_log"]
