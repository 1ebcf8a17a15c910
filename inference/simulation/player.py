"""One invented user before one list: looks, clicks, likes, and the events that tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from inference.simulation.tastes import compute_click_chance, compute_like_chance
from training_pipeline.ranking.weights import compute_chance_looked_at

# Between two things that one user does.
_STEP = timedelta(seconds=3)


@dataclass(frozen=True)
class Reaction:
    """What a user did with a list, place by place [num_shown] bool each."""

    looked: np.ndarray
    clicked: np.ndarray
    liked: np.ndarray


@dataclass(frozen=True)
class Visit:
    """One look at one list.

    Attributes:
        user_id: whose.
        moment: when the list was shown, UTC with zone.
        bundle: of the model that showed it.
        session: tells it from other visits; the same gives the same event ids.
    """

    user_id: str
    moment: datetime
    bundle: str
    session: str


def react(liking: np.ndarray, rng: np.random.Generator) -> Reaction:
    """Draws what a user does with a list.

    The chance to look at a place falls as `compute_chance_looked_at` says; who looks clicks and likes by
    taste.

    Args:
        liking: of the shown items, in their order [num_shown] float64.
        rng: draws.
    """
    draws = rng.random((2, len(liking)))
    looked = draws[0] < compute_chance_looked_at(np.arange(1, len(liking) + 1))
    clicked = looked & (draws[1] < compute_click_chance(liking))
    liked = looked & (draws[1] < compute_like_chance(liking))
    return Reaction(looked, clicked, liked)


def write_events(visit: Visit, item_ids: Sequence[str], reaction: Reaction) -> list[dict[str, Any]]:
    """The events of a visit, as the service takes them: impressions of the whole list, then what was done."""
    acts = [("impression", place) for place in range(len(item_ids))]
    for place in range(len(item_ids)):
        acts += [("click", place)] if reaction.clicked[place] else []
        acts += [("like", place)] if reaction.liked[place] else []
    return [
        # All are shown at once.
        _write_event(visit, kind, item_ids[place], place + 1, visit.moment + max(step, 0) * _STEP)
        for step, (kind, place) in enumerate(acts, start=1 - len(item_ids))
    ]


def _write_event(visit: Visit, kind: str, item_id: str, position: int, moment: datetime) -> dict[str, Any]:
    return {
        "event_id": str(uuid5(NAMESPACE_URL, f"towerbridge/{visit.session}/{kind}/{item_id}")),
        "user_id": visit.user_id,
        "item_id": item_id,
        "event_type": kind,
        "event_time": moment.isoformat(),
        "bundle": visit.bundle,
        "position": position,
        "provenance": "simulated",
        "session": visit.session,
    }
