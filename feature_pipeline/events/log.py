"""The event log's interface; `open_log` opens one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from feature_pipeline.errors import UserError
from feature_pipeline.events.event import Event


class EventLogError(UserError):
    """The log cannot be opened, read or written; the message names the place and the remedy."""


class EventConflictError(UserError):
    """An event_id came again with other content; nothing of that call was appended."""


class EventLog(ABC):
    """Events in the order in which they were appended; none is ever changed or taken out.

    Several threads may share one log; each process opens its own, after a fork and not before.
    """

    @abstractmethod
    def append(self, events: Sequence[Event]) -> int:
        """Appends the events that are not there yet: all or, where it raises, nothing.

        Once it returns, they survive the end of the process and of the machine's power. A client that does
        not know whether they arrived sends them again, unchanged: no event is there twice.

        Args:
            events: in the order in which they shall stand.

        Returns:
            How many were new.

        Raises:
            EventConflictError: an event_id was given before with other content. Give new events new ids.
            EventLogError: the log cannot be written. Whether the events are there is not known: send them
                again.
        """

    @abstractmethod
    def read(self, after: int = 0, limit: int | None = None) -> list[tuple[int, Event]]:
        """Reads events in the order in which they were appended.

        Args:
            after: the sequence number that was read last; 0 for the beginning. A reader that goes on there
                misses nothing: what is appended later has a higher number, whoever appends it.
            limit: at most so many, from 1; None for all.

        Returns:
            Sequence number and event. Numbers rise strictly, with gaps.

        Raises:
            EventLogError: the log cannot be read.
        """

    @abstractmethod
    def count(self) -> int:
        """How many events there are.

        Raises:
            EventLogError: the log cannot be read.
        """

    @abstractmethod
    def close(self) -> None:
        """Lets go of file or server; the log cannot be used any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def check_same(earlier: Event, later: Event) -> None:
    """Checks that two events of one event_id have the same content.

    Raises:
        EventConflictError: they differ. The message says in which fields, not what stands there: whoever
            guesses an id shall not learn what another has done.
    """
    different = [name for name in Event.model_fields if getattr(earlier, name) != getattr(later, name)]
    if different:
        raise EventConflictError(
            f"event {later.event_id!r}: expected the same content as before, found another "
            f"{', '.join(different)}. Remedy: send it again unchanged, or give a new event a new event_id"
        )
