"""Rounds of invented users against a service."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from tqdm import tqdm

from inference.simulation.player import Visit, react, write_events
from inference.simulation.tastes import Tastes, compute_like_chance

# From path and body to the service's answer.
Post = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Round:
    """What one round of all users came to.

    Attributes:
        number: from 1.
        shown: items.
        looked: places that were looked at.
        clicks: of these.
        likes: of these.
        appeal: mean liking of what was shown, in standard deviations.
        satisfaction: the mean chance that who looks at a shown item likes it.
        events: that the service has acknowledged.
    """

    number: int
    shown: int
    looked: int
    clicks: int
    likes: int
    appeal: float
    satisfaction: float
    events: int


@dataclass(frozen=True)
class Plan:
    """Who plays, and how often.

    Attributes:
        user_ids: who plays, in every round.
        rounds: how many.
        k: items of a list.
        start: of the first round, UTC with zone.
        gap: between two rounds.
        seed: of all that is drawn.
    """

    user_ids: list[str]
    rounds: int
    k: int
    start: datetime
    gap: timedelta
    seed: int


def play(post: Post, tastes: Tastes, plan: Plan) -> Iterator[Round]:
    """Plays round after round; the same plan and answers give the same events."""
    for number in range(1, plan.rounds + 1):
        moment = plan.start + (number - 1) * plan.gap
        rng = np.random.default_rng([plan.seed, number])
        bar = tqdm(plan.user_ids, desc=f"round {number}", unit="user", disable=None)
        visits = [_visit(post, tastes, plan, user_id, moment, number, rng) for user_id in bar]
        yield _add_up(number, visits)


def _visit(
    post: Post,
    tastes: Tastes,
    plan: Plan,
    user_id: str,
    moment: datetime,
    number: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """One user's look at one list; what came of it in numbers."""
    answer = post("/recommend", {"user_id": user_id, "k": plan.k})
    item_ids = [row["item_id"] for row in answer["recommendations"]]
    if not item_ids:  # has seen everything
        return {}
    liking = tastes.get(user_id, item_ids)
    reaction = react(liking, rng)
    session = f"simulated-{plan.seed}-{moment:%Y%m%dT%H%M%S}-{number}-{user_id}"[:100]
    events = write_events(Visit(user_id, moment, answer["bundle"], session), item_ids, reaction)
    post("/events", {"events": events})
    return {
        "shown": len(item_ids),
        "looked": reaction.looked.sum(),
        "clicks": reaction.clicked.sum(),
        "likes": reaction.liked.sum(),
        "appeal": liking.sum(),
        "satisfaction": compute_like_chance(liking).sum(),
        "events": len(events),
    }


def _add_up(number: int, visits: list[dict[str, float]]) -> Round:
    total = {name: sum(visit.get(name, 0) for visit in visits) for name in Round.__annotations__}
    shown = max(total["shown"], 1)
    counts = {name: int(total[name]) for name in ("shown", "looked", "clicks", "likes", "events")}
    return Round(number, appeal=total["appeal"] / shown, satisfaction=total["satisfaction"] / shown, **counts)
