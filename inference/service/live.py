"""The one model that answers now, and how it changes while requests run."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from feature_pipeline.events import Event
from feature_pipeline.feedback.changes import Change
from feature_pipeline.feedback.logs import FeedbackLogs
from inference.service.metrics import WORKERS
from inference.service.model import Model


class Live:
    """Holds the model that answers; a request takes it once, at its start, and stays with it.

    Args:
        model: answers first.
        logs: what people do, who registers, and which items come and go.
    """

    def __init__(self, model: Model, logs: FeedbackLogs) -> None:
        self._logs = logs
        self._changing = threading.Lock()
        model.follow(logs)
        self._model = model
        WORKERS.labels(model.id).set(1)

    @property
    def model(self) -> Model:
        """The model of now."""
        return self._model

    def follow(self) -> None:
        """Has the model take in what the logs have got since it last looked."""
        with self._changing:
            self._model.follow(self._logs)

    def append(self, events: Sequence[Event]) -> int:
        """Appends events to the log, durably, and then has them count; returns how many were new.

        Raises:
            EventConflictError: an event_id was given before with other content.
            EventLogError: the log cannot be written.
        """
        new = self._logs.events.append(events)
        # They are on the disk, which is what is acknowledged. What keeps them from counting, keeps the next
        # look at the log from it too, and that one tells.
        with suppress(Exception):
            self.follow()
        return new

    def register(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Registers users in the log, durably, and then has them count; returns how many were new.

        Args:
            rows: `user_id, profile` each.

        Raises:
            UserConflictError: one of them is known already with other content.
            UserError: a profile has an unknown column or a value of the wrong kind.
            EventLogError: the log cannot be read or written.
        """
        users = self._logs.users
        with self._changing:
            while new := self._model.find_new_users(users, rows):
                # Else another worker has registered somebody meanwhile.
                if users.append_after(self._model.last_user, Change("add", new)):
                    with suppress(Exception):  # as above
                        self._model.follow_users(users)
                    break
        return len(new)

    def change(self, change: Change) -> None:
        """Adds or removes items, here at once and for the other workers by the log.

        Raises:
            UserError: the model does not take them; nothing has changed.
            EventLogError: the log cannot be written; only this worker has changed.
        """
        with self._changing:
            self._model.change(change)
            self._model.skip_change(self._logs.items.append(change))

    def swap(self, model: Model) -> None:
        """Lets another model answer, once it knows all that the logs have."""
        model.follow(self._logs)
        # The last events are taken in while nobody else changes anything, so that none that this process has
        # acknowledged is missing for a moment.
        with self._changing:
            model.follow(self._logs)
            earlier, self._model = self._model, model
        WORKERS.labels(earlier.id).set(0)
        WORKERS.labels(model.id).set(1)
