"""POST /recommend."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from feature_pipeline.arrays import Table
from feature_pipeline.schema import USER_ID
from inference.service.answers import Recommendations, list_rows
from inference.service.errors import list_refusals
from inference.service.model import Model
from inference.service.requests import RecommendBody
from inference.service.state import State, get_state

router = APIRouter(tags=["read"])


@router.post("/recommend", responses=list_refusals(400, 404, 413, 422, 503))
async def recommend(
    request: Request, body: RecommendBody, state: Annotated[State, Depends(get_state)]
) -> Recommendations:
    """Items for a known user, or for somebody new by profile, liked items or both; the best first."""
    return await state.ask(request, partial(answer, body=body))


def answer(model: Model, body: RecommendBody) -> Recommendations:
    """What a model recommends.

    Raises:
        UserError: see `Recommender.recommend`.
    """
    found = model.recommender.answer(body.build_ask(), body.build_wish())
    # Who asked is told once.
    rows = list_rows(Table({name: found[name] for name in found.columns if name != USER_ID}))
    return Recommendations.model_validate(
        {"bundle": model.id, "user_id": body.user_id, "recommendations": rows}
    )
