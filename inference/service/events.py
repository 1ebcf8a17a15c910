"""POST /events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event
from feature_pipeline.events.event import CLOCKS_DIFFER
from inference.service.answers import Appended
from inference.service.errors import list_refusals
from inference.service.live import Live
from inference.service.metrics import EVENTS
from inference.service.model import Model
from inference.service.requests import EventsBody
from inference.service.state import State, get_state
from inference.service.tokens import check_token

router = APIRouter(tags=["write"], dependencies=[Depends(check_token)])


@router.post("/events", responses=list_refusals(400, 401, 409, 413, 422, 503))
async def append_events(
    request: Request, body: EventsBody, state: Annotated[State, Depends(get_state)]
) -> Appended:
    """Appends events, all of them or none; once this is answered, no crash can lose them.

    They count at once where they were sent to, and within a second for every other worker. Whoever does not
    get an answer sends the same events again: none counts twice.
    """
    return await state.ask(request, partial(append, live=state.live, events=body.events))


def append(model: Model, live: Live, events: Sequence[Event]) -> Appended:
    """Appends events about items that the model knows.

    Raises:
        UserError: an item is unknown, or a time has not come yet; no event was taken.
        EventConflictError: see `EventLog.append`.
        EventLogError: see `EventLog.append`.
    """
    _check(model, events)
    new = live.append(events)
    EVENTS.inc(new)
    return Appended(bundle=model.id, new=new)


def _check(model: Model, events: Sequence[Event]) -> None:
    unknown = model.find_unknown(event.item_id for event in events)
    if unknown:
        raise UserError(
            f"item {unknown[0]!r} is not known to bundle {model.id}; no event was taken. "
            "Remedy: send the batch without its events, or add the item first"
        )
    # Requests stand just after the last event of all: one from the far future would move everybody there.
    latest = datetime.now(UTC) + CLOCKS_DIFFER
    ahead = next((place for place, event in enumerate(events) if event.event_time > latest), None)
    if ahead is not None:
        raise UserError(
            f"events.{ahead}.event_time: expected a time that has come, found one ahead of this machine's "
            "clock; no event was taken. Remedy: set the clock of whoever sends it"
        )
