"""What somebody does, as events: each act makes one, once, and it is kept until the log has it."""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event, EventLogError
from feature_pipeline.events.event import EventType
from inference.served import ServiceError

# Whether the events are there is not known.
_UNREACHED = (EventLogError, ServiceError)


class Journal:
    """The events of one visit.

    A page is computed anew at every touch, clicks come twice, and an answer may get lost. An act therefore
    has a name, and what is noted under it again is the same event, id and time included, which the log takes
    once.

    Args:
        user_id: whose visit it is.
        append: appends events durably, all of them or none; see `Backend.append`.
    """

    def __init__(self, user_id: str, append: Callable[[Sequence[Event]], object]) -> None:
        self._user_id = user_id
        self._append = append
        self._session = str(uuid.uuid4())
        self._made: dict[str, Event] = {}
        self._pending: list[Event] = []

    def note(
        self,
        act: str,
        event_type: EventType,
        item_id: str,
        bundle: str | None,
        position: int | None,
        undoes: str | None = None,
    ) -> Event:
        """The event of an act; `write` sends it.

        Args:
            act: its name, of this visit.
            event_type: see `Event`.
            item_id: what it is about.
            bundle: what showed the item.
            position: the item's place among those that were shown, from 1.
            undoes: id of the event that it takes back.
        """
        if act not in self._made:
            self._made[act] = Event(
                event_id=str(uuid.uuid4()),
                user_id=self._user_id,
                item_id=item_id,
                event_type=event_type,
                event_time=datetime.now(UTC),
                bundle=bundle,
                position=position,
                provenance="human",
                session=self._session,
                undoes=undoes,
            )
            self._pending.append(self._made[act])
        return self._made[act]

    def forget(self, act: str) -> None:
        """Has the act make another event when it is done again."""
        self._made.pop(act, None)

    def write(self) -> None:
        """Sends what the log does not have yet.

        Raises:
            UserError: what answers cannot be reached, or the log not be written: the events are kept, and
                sent again, unchanged, the next time. Or an event was refused, as its item is not known any
                more: it is given up, and all others are written.
        """
        if not self._pending:
            return
        try:
            self._send(self._pending)
        except _UNREACHED:
            raise
        except UserError:
            self._write_one_by_one()

    def _write_one_by_one(self) -> None:
        refusals = []
        while self._pending:
            try:
                self._send(self._pending[:1])
            except _UNREACHED:
                raise
            except UserError as refusal:
                refusals.append(refusal)
                del self._pending[0]
        if refusals:
            raise refusals[0]

    def _send(self, events: Sequence[Event]) -> None:
        self._append(events)
        self._pending = self._pending[len(events) :]
