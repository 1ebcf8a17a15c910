"""GET /health, /ready, /version and /metrics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from feature_pipeline.artefact import read_versions
from inference.service.answers import Health, Ready, Version
from inference.service.errors import list_refusals
from inference.service.metrics import render
from inference.service.state import State, get_state

_PACKAGES = ("towerbridge", "tensorflow", "catboost", "numpy", "pandas", "fastapi", "uvicorn")
_METRICS = list_refusals() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

router = APIRouter(tags=["status"])


@router.get("/health", responses=list_refusals())
async def health() -> Health:
    """The process lives."""
    return Health(status="alive")


@router.get("/ready", responses=list_refusals())
async def ready(request: Request, state: Annotated[State, Depends(get_state)]) -> Ready:
    """A bundle is loaded and has answered; before that, no worker takes a connection."""
    bundle = state.live.model.id
    request.state.bundle = bundle
    return Ready(bundle=bundle, status="ready")


@router.get("/version", responses=list_refusals())
async def version(request: Request, state: Annotated[State, Depends(get_state)]) -> Version:
    """What answers, and what it was made with."""
    bundle = state.live.model.recommender.bundle
    request.state.bundle = bundle.id
    return Version(
        bundle=bundle.id,
        features=bundle.store.id,
        versions=read_versions(*_PACKAGES),
        trained_with=bundle.manifest["versions"],
    )


@router.get("/metrics", response_class=Response, responses=_METRICS)
async def metrics() -> Response:
    """Counts and times of all workers, for Prometheus."""
    return Response(render(), media_type=CONTENT_TYPE_LATEST)
