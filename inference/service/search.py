"""POST /search: a text as JSON; a text, a picture or both as a form."""

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from feature_pipeline.errors import UserError
from inference.service.answers import Findings, list_rows
from inference.service.config import Limits
from inference.service.errors import list_refusals
from inference.service.model import Model
from inference.service.pictures import check_picture
from inference.service.requests import SearchBody, SearchForm
from inference.service.state import State, get_state

_JSON, _FORM = "application/json", "multipart/form-data"

router = APIRouter(tags=["read"])


def _describe_bodies() -> dict[str, Any]:
    """The two bodies for the OpenAPI document, which FastAPI cannot tell where the code chooses."""
    form = SearchForm.model_json_schema()
    form["properties"]["image"] = {"type": "string", "format": "binary"}
    content = {_JSON: {"schema": SearchBody.model_json_schema()}, _FORM: {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/search", responses=list_refusals(400, 413, 415, 422, 503), openapi_extra=_describe_bodies())
async def search(request: Request, state: Annotated[State, Depends(get_state)]) -> Findings:
    """Items that a text, a picture (JPEG, PNG or WebP), or both describe, the closest first.

    In a form, `filters` is JSON.
    """
    wanted, image = await _read(request)
    return await state.ask(request, partial(answer, wanted=wanted, image=image, limits=state.limits))


def answer(model: Model, wanted: SearchBody | SearchForm, image: bytes | None, limits: Limits) -> Findings:
    """What a model finds.

    Raises:
        HTTPException: 413, the picture is too large.
        UserError: it is none, or see `Recommender.search`.
    """
    if image is not None:
        check_picture(image, limits)
    found = model.recommender.search(wanted.text, image, wanted.k, wanted.filters or None)
    return Findings.model_validate({"bundle": model.id, "items": list_rows(found)})


async def _read(request: Request) -> tuple[SearchBody | SearchForm, bytes | None]:
    """What is wanted, and the picture."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _JSON:
        return _read_json(await request.body()), None
    if kind == _FORM:
        return await _read_form(request)
    raise HTTPException(415, f"expected {_JSON} or {_FORM}. Remedy: send one of them as Content-Type")


def _read_json(body: bytes) -> SearchBody:
    try:
        return SearchBody.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


async def _read_form(request: Request) -> tuple[SearchForm, bytes | None]:
    """What a form wants, and the picture in it.

    Raises:
        HTTPException: 400, it is no form.
        RequestValidationError: a field is unknown or of the wrong kind.
        UserError: it has neither text nor picture, or two of something.
    """
    async with request.form(max_files=1, max_fields=3) as form:
        if len(form.multi_items()) != len(form):
            raise UserError("expected each field once, found one more often. Remedy: send one")
        fields: dict[str, Any] = dict(form)
        image = fields.pop("image", None)
        if image is not None and not isinstance(image, UploadFile):
            raise UserError("image: expected a file, found a text. Remedy: send it as a file: -F image=@FILE")
        data = None if image is None else await image.read()
    try:
        wanted = SearchForm.model_validate(fields | _read_filters(fields))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    if wanted.text is None and data is None:
        raise UserError("expected text, image or both, found neither. Remedy: send one of them")
    return wanted, data


def _read_filters(fields: dict[str, Any]) -> dict[str, Any]:
    """The filters of a form, where it has any."""
    if "filters" not in fields:
        return {}
    try:
        return {"filters": json.loads(fields["filters"])}
    except (TypeError, ValueError, RecursionError):
        raise UserError('filters: expected JSON, found something else. Remedy: as {"year": 1990}') from None
