"""POST /similar."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from inference.service.answers import Findings, list_rows
from inference.service.errors import UnknownItemError, list_refusals
from inference.service.model import Model
from inference.service.requests import SimilarBody
from inference.service.state import State, get_state

router = APIRouter(tags=["read"])


@router.post("/similar", responses=list_refusals(400, 404, 413, 422, 503))
async def similar(
    request: Request, body: SimilarBody, state: Annotated[State, Depends(get_state)]
) -> Findings:
    """Items like a known one, the closest first."""
    return await state.ask(request, partial(answer, body=body))


def answer(model: Model, body: SimilarBody) -> Findings:
    """What a model holds for alike.

    Raises:
        UserError: see `Recommender.similar`.
    """
    if model.find_unknown([body.item_id]):
        raise UnknownItemError(
            f"item {body.item_id!r} is not known to bundle {model.id}. Remedy: take one from an answer"
        )
    found = model.recommender.similar(body.item_id, body.by, body.k, body.filters or None)
    return Findings.model_validate({"bundle": model.id, "items": list_rows(found)})
