"""`python -m inference.simulate`: invented users of known taste play against a running service.

They are shown lists, look at places with a falling chance, click and like by their taste, and the service
gets the events, of provenance `simulated`. A line a round on stdout.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from pydantic import Field, PositiveFloat, PositiveInt

from feature_pipeline.config import Strict, read_section
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.entry import run
from inference.served import ask_service
from inference.simulation.play import Plan, Round, play
from inference.simulation.tastes import Tastes, read_tastes

TOKEN = "TOWERBRIDGE_TOKEN"


class SimulateConfig(Strict):
    """Who plays, where, and how often.

    Attributes:
        url: of the service.
        users: how many users play, drawn by the seed; all where it is None.
        rounds: how often each looks at a list.
        k: items of a list.
        start: of the first round; by default so long ago that the last one is now.
        hours: between two rounds.
        tastes: file of the users' tastes; by default those that generated the built-in sample.
        seed: of all that is drawn.
    """

    url: str
    users: PositiveInt | None
    rounds: PositiveInt
    k: int = Field(ge=1, le=1000)
    start: datetime | None
    hours: PositiveFloat
    tastes: Path | None
    seed: int


def main(config: DictConfig) -> None:
    """Plays, and prints what each round came to.

    Raises:
        UserError: tastes are not known, or the service does not answer.
    """
    asked = read_section(SimulateConfig, config, "simulate")
    tastes = read_tastes(read_section(DatasetConfig, config, "dataset"), asked.tastes)
    post = partial(ask_service, asked.url, token=os.environ.get(TOKEN))
    print(render_heading())
    for round_ in play(post, tastes, build_plan(asked, tastes)):
        print(render_round(round_), flush=True)


def build_plan(asked: SimulateConfig, tastes: Tastes) -> Plan:
    """Draws who plays, and says when."""
    gap = timedelta(hours=asked.hours)
    start = asked.start or datetime.now(UTC) - (asked.rounds - 1) * gap - timedelta(minutes=5)
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start
    drawn = np.random.default_rng(asked.seed).permutation(tastes.user_ids)[: asked.users]
    return Plan(sorted(map(str, drawn)), asked.rounds, asked.k, start, gap, asked.seed)


def render_heading() -> str:
    """Names of the columns."""
    counts = " ".join(f"{name:>8}" for name in ("shown", "looked", "clicks", "likes"))
    return f"round {counts} {'appeal':>8} {'satisfaction':>13}"


def render_round(found: Round) -> str:
    """One line."""
    counts = " ".join(f"{count:>8,}" for count in (found.shown, found.looked, found.clicks, found.likes))
    return f"{found.number:>5} {counts} {found.appeal:>8.3f} {found.satisfaction:>13.4f}"


if __name__ == "__main__":
    run(main, "simulate")
