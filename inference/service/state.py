"""What the endpoints share: the model of now, and threads to ask it in."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import TypeVar

from fastapi import Request

from feature_pipeline.feedback.logs import FeedbackLogs
from inference.service.config import Limits, Settings
from inference.service.live import Live
from inference.service.model import Model, open_model
from inference.service.pool import Pool
from inference.service.reload import Reloader, open_first
from inference.service.ticker import Ticker

# Half the time within which the other workers count an event.
_FOLLOW_SECONDS = 0.25
_LOOK_SECONDS = 1.0

Answer = TypeVar("Answer")


class State:
    """Opens the bundle and the logs, and follows both until it is closed.

    Args:
        settings: see `Settings`.
        look: set to have `current` looked at now.

    Attributes:
        live: holds the model that answers.
        limits: what one request may cost.
    """

    def __init__(self, settings: Settings, look: threading.Event) -> None:
        serve = settings.serve
        self.limits: Limits = serve.limits
        with ExitStack() as opened:
            logs = opened.enter_context(closing(FeedbackLogs(settings.feedback)))
            open_set = partial(
                open_model, events=logs.events, feedback=settings.feedback, index=settings.index
            )
            self.live = Live(open_first(settings.bundles, open_set), logs)
            self._pool = Pool(serve.threads, serve.queue)
            opened.callback(self._pool.close)
            reloader = Reloader(self.live, settings.bundles, open_set)
            follower = Ticker("follow the logs", self.live.follow, _FOLLOW_SECONDS, threading.Event())
            for ticker in (follower, Ticker("look for bundles", reloader.look, _LOOK_SECONDS, look)):
                ticker.start()
                opened.callback(ticker.stop)
            self._opened = opened.pop_all()

    async def ask(self, request: Request, work: Callable[[Model], Answer]) -> Answer:
        """Does blocking work with the model of this moment, in a thread of the pool.

        Raises:
            BusyError: too many requests wait.
        """
        model = self.live.model
        request.state.bundle = model.id
        return await self._pool.run(partial(work, model))

    def close(self) -> None:
        """Ends what is being done, in the opposite order of its beginning."""
        self._opened.close()


def get_state(request: Request) -> State:
    """The state of the service that a request came to."""
    state: State = request.app.state.service
    return state
