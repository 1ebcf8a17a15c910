"""The one model that answers now, and how it changes while requests run."""

import threading
from collections.abc import Sequence
from contextlib import suppress

from feature_pipeline.events import Event, EventLog
from inference.service.item_log import Change, ItemLog
from inference.service.metrics import WORKERS
from inference.service.model import Model


class Live:
    """Holds the model that answers; a request takes it once, at its start, and stays with it.

    Args:
        model: answers first.
        events: the event log.
        items: the item log.
    """

    def __init__(self, model: Model, events: EventLog, items: ItemLog) -> None:
        self._events = events
        self._items = items
        self._changing = threading.Lock()
        model.follow(events, items)
        self._model = model
        WORKERS.labels(model.id).set(1)

    @property
    def model(self) -> Model:
        """The model of now."""
        return self._model

    def follow(self) -> None:
        """Has the model take in what the logs have got since it last looked."""
        with self._changing:
            self._model.follow(self._events, self._items)

    def append(self, events: Sequence[Event]) -> int:
        """Appends events to the log, durably, and then has them count; returns how many were new.

        Raises:
            EventConflictError: an event_id was given before with other content.
            EventLogError: the log cannot be written.
        """
        new = self._events.append(events)
        # They are on the disk, which is what is acknowledged. What keeps them from counting, keeps the next
        # look at the log from it too, and that one tells.
        with suppress(Exception):
            self.follow()
        return new

    def change(self, change: Change) -> None:
        """Adds or removes items, here at once and for the other workers by the log.

        Raises:
            UserError: the model does not take them; nothing has changed.
            EventLogError: the log cannot be written; only this worker has changed.
        """
        with self._changing:
            self._model.change(change)
            self._model.skip_change(self._items.append(change))

    def swap(self, model: Model) -> None:
        """Lets another model answer, once it knows all that the logs have."""
        model.follow(self._events, self._items)
        # The last events are taken in while nobody else changes anything, so that none that this process has
        # acknowledged is missing for a moment.
        with self._changing:
            model.follow(self._events, self._items)
            earlier, self._model = self._model, model
        WORKERS.labels(earlier.id).set(0)
        WORKERS.labels(model.id).set(1)
