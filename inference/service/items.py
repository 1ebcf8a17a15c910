"""POST and DELETE /items."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from feature_pipeline.events.event import ContractId
from feature_pipeline.feedback.changes import Change
from inference.service.answers import Changed
from inference.service.errors import UnknownItemError, list_refusals
from inference.service.model import Model
from inference.service.requests import ItemsBody
from inference.service.state import State, get_state
from inference.service.tokens import check_token

router = APIRouter(tags=["write"], dependencies=[Depends(check_token)])


@router.post("/items", responses=list_refusals(400, 401, 413, 422, 503))
async def add_items(
    request: Request, body: ItemsBody, state: Annotated[State, Depends(get_state)]
) -> Changed:
    """Adds items, all of them or none: they can be recommended at once, by every worker within a second."""
    change = Change("add", [item.model_dump() for item in body.items])

    def answer(model: Model) -> Changed:
        state.live.change(change)
        return Changed(bundle=model.id, items=len(change.rows))

    return await state.ask(request, answer)


@router.delete("/items", responses=list_refusals(401, 404, 413, 422, 503))
async def remove_items(
    request: Request,
    item_id: Annotated[list[ContractId], Query(min_length=1, max_length=100)],
    state: Annotated[State, Depends(get_state)],
) -> Changed:
    """Removes items, all of them or none: they are not shown any more until they are added again."""

    def answer(model: Model) -> Changed:
        unknown = model.find_unknown(item_id)
        if unknown:
            raise UnknownItemError(
                f"item {unknown[0]!r} is not known to bundle {model.id}; nothing was removed. "
                "Remedy: leave it out"
            )
        state.live.change(Change("remove", [{"item_id": known} for known in item_id]))
        return Changed(bundle=model.id, items=len(item_id))

    return await state.ask(request, answer)
