"""The event log: what people were shown and what they did, appended once and read in that order."""

from inference.events.connect import open_log
from inference.events.event import Event
from inference.events.log import EventConflictError, EventLog, EventLogError

__all__ = ["Event", "EventConflictError", "EventLog", "EventLogError", "open_log"]
