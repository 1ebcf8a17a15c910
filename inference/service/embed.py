"""POST /embed."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from inference.service.answers import Embedded
from inference.service.errors import list_refusals
from inference.service.model import Model
from inference.service.requests import AskBody
from inference.service.state import State, get_state

router = APIRouter(tags=["read"])


@router.post("/embed", responses=list_refusals(400, 404, 413, 422, 503))
async def embed(request: Request, body: AskBody, state: Annotated[State, Depends(get_state)]) -> Embedded:
    """Where the query tower puts a known user, or somebody new, among the items' embeddings."""
    return await state.ask(request, partial(answer, body=body))


def answer(model: Model, body: AskBody) -> Embedded:
    """Where a model's query tower puts one.

    Raises:
        UserError: see `Recommender.embed`.
    """
    embedded = model.recommender.embed(body.build_ask(), body.as_of, body.context)
    return Embedded(bundle=model.id, embedding=embedded[0].tolist())
