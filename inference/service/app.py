"""The application: endpoints, and what surrounds them."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import tensorflow as tf
from fastapi import FastAPI

from inference.service import embed, events, history, items, recommend, search, similar, status, users
from inference.service.body import BodyLimit
from inference.service.config import Settings, take_over
from inference.service.errors import register_errors
from inference.service.state import State
from inference.service.trace import Trace

_DESCRIPTION = """
Recommendations of one published bundle, which every answer names. A request that is refused is told by
`message` what to do; `request_id` finds it in the service's log.
"""


def create() -> FastAPI:
    """The application of a process that `python -m inference.service` has started."""
    settings = take_over()
    tf.config.threading.set_intra_op_parallelism_threads(settings.serve.tensorflow_threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.serve.tensorflow_threads)
    look = threading.Event()
    signal.signal(signal.SIGHUP, lambda number, frame: look.set())
    return create_app(settings, look)


def create_app(settings: Settings, look: threading.Event) -> FastAPI:
    """The application.

    Args:
        settings: see `Settings`.
        look: set to have the current bundle looked at now.
    """

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = await asyncio.to_thread(State, settings, look)
        yield
        await asyncio.to_thread(app.state.service.close)

    app = FastAPI(
        title="towerbridge",
        version=version("towerbridge"),
        description=_DESCRIPTION,
        lifespan=live,
    )
    app.state.settings, app.state.look = settings, look
    app.add_middleware(BodyLimit, body_bytes=settings.serve.limits.body_bytes)
    app.add_middleware(Trace)
    register_errors(app)
    for part in (recommend, embed, similar, search, history, events, users, items, status):
        app.include_router(part.router)
    return app
