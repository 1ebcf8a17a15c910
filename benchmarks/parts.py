"""The parts of a recommendation that cannot be left out, timed on the inputs that serving gave them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import inference.snapshot as serving
from inference.recommender import Recommender
from training_pipeline.ranking.model import Ranker

Call = tuple[Callable[..., Any], Any, Any]


def time_call(run: Callable[[], Any]) -> float:
    """The seconds that one run takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def time_parts(recommender: Recommender, user_ids: list[str], k: int) -> dict[str, float]:
    """Serves some users, and then runs query tower, search and trees once more, each alone: seconds."""
    owners = {
        "query tower": (serving, "embed_queries"),
        "search": (type(recommender._snapshot.index), "search"),
        "trees": (Ranker, "score"),
    }
    calls: dict[str, Call] = {}
    with ExitStack() as noting:
        for part, (owner, name) in owners.items():
            noting.enter_context(_note(owner, name, part, calls))
        recommender.recommend(user_ids, k)
    return {
        part: time_call(lambda f=function, a=arguments, n=named: f(*a, **n))
        for part, (function, arguments, named) in calls.items()
    }


@contextmanager
def _note(owner: Any, name: str, part: str, calls: dict[str, Call]) -> Iterator[None]:
    """Notes what one of serving's functions is called with."""
    real = getattr(owner, name)

    def note(*arguments: Any, **named: Any) -> Any:
        calls[part] = (real, arguments, named)
        return real(*arguments, **named)

    setattr(owner, name, note)
    try:
        yield
    finally:
        setattr(owner, name, real)
