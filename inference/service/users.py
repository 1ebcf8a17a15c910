"""POST /users."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from inference.service.answers import Registration
from inference.service.errors import list_refusals
from inference.service.live import Live
from inference.service.model import Model
from inference.service.requests import UsersBody
from inference.service.state import State, get_state
from inference.service.tokens import check_token

router = APIRouter(tags=["write"], dependencies=[Depends(check_token)])


@router.post("/users", responses=list_refusals(400, 401, 409, 413, 422, 503))
async def add_users(
    request: Request, body: UsersBody, state: Annotated[State, Depends(get_state)]
) -> Registration:
    """Registers users, all of them or none: from now on they are asked for by `user_id`, as others are.

    Their profiles count at once where they were sent to, and within a second for every other worker. Whoever
    does not get an answer sends the same again.
    """
    return await state.ask(request, partial(register, live=state.live, body=body))


def register(model: Model, live: Live, body: UsersBody) -> Registration:
    """Registers users.

    Raises:
        UserError: see `Live.register`.
    """
    rows = [user.model_dump() for user in body.users]
    return Registration(bundle=model.id, new=live.register(rows))
