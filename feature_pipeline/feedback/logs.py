"""The three logs that feedback is kept in."""

from contextlib import ExitStack

from feature_pipeline.events import EventLog, open_log
from feature_pipeline.feedback.changes import ChangeLog
from feature_pipeline.feedback.config import FeedbackConfig


class FeedbackLogs:
    """What people did, who registered, and which items came and went.

    Args:
        config: says where they are; they are created where there are none.

    Attributes:
        events: the event log.
        users: the log of those who registered.
        items: the log of items that were added and removed.

    Raises:
        EventLogError: one of them cannot be opened.
    """

    def __init__(self, config: FeedbackConfig) -> None:
        with ExitStack() as opened:
            self.events: EventLog = opened.enter_context(open_log(config.events))
            self.users = ChangeLog(config.users, "feedback.users")
            opened.callback(self.users.close)
            self.items = ChangeLog(config.items, "feedback.items")
            opened.callback(self.items.close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Lets go of all of them."""
        self._opened.close()
