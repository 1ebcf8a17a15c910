"""One event: what somebody did with an item, or that it was shown to them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A clock that is ahead by more is wrong.
CLOCKS_DIFFER = timedelta(minutes=5)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC; TypeError where `moment` has no zone."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The moment, in UTC, so many microseconds since 1970."""
    return _EPOCH + microseconds * _MICROSECOND


def _read_time(value: Any) -> datetime:
    """A plain datetime in UTC, whatever its zone or class was, from a datetime or ISO 8601.

    A time without zone is refused, not guessed: nothing in the log can be mended later.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return from_microseconds(to_microseconds(moment))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            "expected a time with its zone, as 2024-05-01T12:00:00Z, in the years 1 to 9999"
        ) from None


def _check_printable(text: str) -> str:
    found = _CONTROL.search(text)
    if found:
        raise ValueError(f"expected no control characters, found {found[0]!r} at place {found.start() + 1}")
    return text


EventType = Literal["impression", "click", "like", "undo"]
Provenance = Literal["human", "simulated", "imported"]
Key = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_printable)]
ContractId = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_check_printable)]
Moment = Annotated[datetime, BeforeValidator(_read_time)]


class Event(BaseModel):
    """One row of the event log; two events are the same if all their fields are.

    Ids are taken as they come, whatever script they are in: not stripped, not normalised.

    Attributes:
        event_id: made by the client, as a UUID; sent again, it names the same event. 1 to 100 characters.
        user_id: 1 to 500 characters.
        item_id: 1 to 500 characters.
        event_type: `impression` was shown, `click` and `like` were chosen, `undo` takes another event back.
        event_time: when it happened, UTC with zone, in microseconds. Other zones are converted, digits beyond
            microseconds fall away.
        bundle: id of the model that showed the item, or None where none did.
        position: the item's place in the list that was shown, from 1, or None.
        provenance: whether a person did it, a simulation, or an import from elsewhere.
        session: what belongs to one visit, or None.
        undoes: the event_id that an `undo` takes back, None for every other type. It need not be in the log
            yet: events may arrive in any order.

    Raises:
        pydantic.ValidationError: a field is missing, unknown, of the wrong type or out of bounds.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    event_id: Key
    user_id: ContractId
    item_id: ContractId
    event_type: EventType
    event_time: Moment
    bundle: Key | None = None
    position: int | None = Field(default=None, ge=1, lt=2**31)
    provenance: Provenance
    session: Key | None = None
    undoes: Key | None = None

    @model_validator(mode="after")
    def _check_undo(self) -> Self:
        if (self.event_type == "undo") != (self.undoes is not None):
            raise ValueError("undoes goes with event_type undo, and with no other; give both or neither")
        if self.undoes == self.event_id:
            raise ValueError("undoes names another event, not the undo itself")
        return self
