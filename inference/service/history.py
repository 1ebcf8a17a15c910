"""GET /history."""

from functools import partial
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request

from feature_pipeline.events.event import ContractId
from feature_pipeline.schema import EVENT_TIME
from inference.service.answers import History, list_rows
from inference.service.errors import list_refusals
from inference.service.model import Model
from inference.service.requests import MOST
from inference.service.state import State, get_state

router = APIRouter(tags=["read"])


@router.get("/history", responses=list_refusals(404, 413, 422, 503))
async def get_history(
    request: Request,
    user_id: Annotated[ContractId, Query(examples=["user-001"])],
    state: Annotated[State, Depends(get_state)],
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
) -> History:
    """What a user has met, the latest first: before the bundle was trained, and since."""
    return await state.ask(request, partial(answer, user_id=user_id, limit=limit))


def answer(model: Model, user_id: str, limit: int) -> History:
    """What a model knows that a user has met.

    Raises:
        UserError: see `Recommender.get_history`.
    """
    found = model.recommender.get_history(user_id, limit)
    times = pd.to_datetime(found[EVENT_TIME], utc=True)
    rows = list_rows(found.assign(**{EVENT_TIME: times}))
    return History.model_validate({"bundle": model.id, "user_id": user_id, "events": rows})
