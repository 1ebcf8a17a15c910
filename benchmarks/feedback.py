"""Does a model that has learned from feedback please people more than one that has not?

    python -m benchmarks.feedback [--artifacts FOLDER] [--users N] [--rounds N] [--k N] [--seed N]

Works on a copy of the built-in sample with its current bundle, and goes round the loop once:

1. users of known taste play against the service by HTTP (see `inference.simulation`): they are shown lists,
   look, click and like, and the service logs it;
2. `make features` and `make train` learn from the log, with the settings of the default config;
3. the former bundle (frozen) and the new one (retrained) recommend to the same users, at the same moment.

Both know the same events: the frozen one follows the log live, so that histories, popularity and what each
user has met already are up to date in both, and both leave out the same items. What differs is what towers
and ranker have learned. Satisfaction is the mean chance that a user who looks at a shown item likes it, which
the tastes tell exactly; appeal is the mean liking in standard deviations. Both without any draw.

A table, and last a line of JSON. The status is 1 unless the 95 % interval of the paired difference over users
lies above zero.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.serving import serve_from
from feature_pipeline.artefact import CURRENT, find_current
from feature_pipeline.feedback.config import FeedbackConfig
from feature_pipeline.feedback.logs import FeedbackLogs
from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.sources.sample import read_affinity
from inference.served import ask_service
from inference.service.model import open_model
from inference.simulate import render_heading, render_round
from inference.simulation.play import Plan, play
from inference.simulation.tastes import Tastes, compute_like_chance, standardise
from training_pipeline.evaluation.bootstrap import bootstrap_means
from training_pipeline.index_config import ExactConfig

DATASET = "sample"
# The day after the sample's last event.
START = datetime(2025, 7, 1, 12, tzinfo=UTC)


def copy_sample(artifacts: Path, folder: Path) -> Path:
    """Copies the sample, its store and its bundle, without any log; returns the bundle's place."""
    bundle = find_current(artifacts / DATASET / "bundles", "run make demo first")
    place = folder / DATASET
    shutil.copytree(artifacts / DATASET / "raw", place / "raw")
    for kind in ("bundles", "features"):
        current = find_current(artifacts / DATASET / kind, "run make demo first")
        shutil.copytree(current, place / kind / current.name)
        (place / kind / CURRENT).write_text(current.name + "\n")
    if (artifacts / "cache").exists():
        shutil.copytree(artifacts / "cache", folder / "cache")
    return place / "bundles" / bundle.name


def gather(folder: Path, tastes: Tastes, plan: Plan) -> int:
    """Plays against the service; returns how many events it has acknowledged."""
    print(render_heading())
    events = 0
    with serve_from(folder, DATASET, 1) as serving:
        for found in play(partial(ask_service, serving.url), tastes, plan):
            print(render_round(found), flush=True)
            events += found.events
    return events


def learn(folder: Path) -> Path:
    """Features and training as the commands do them; returns the new bundle's place."""
    for module in ("feature_pipeline", "training_pipeline"):
        command = [sys.executable, "-m", module, f"dataset={DATASET}", f'artifacts="{folder}"']
        subprocess.run(command, stdout=sys.stderr, check=True)
    return find_current(folder / DATASET / "bundles", "run make train")


def describe_feedback(place: Path) -> FeedbackConfig:
    """Where the service has put the logs, and what counts."""
    return FeedbackConfig.model_validate(
        {
            "events": str(place / "events.sqlite"),
            "users": place / "users.sqlite",
            "items": place / "items.sqlite",
            "weights": {"like": 1.0, "click": 0.5},
            "provenance": ["simulated"],
        }
    )


def please(bundle: Path, tastes: Tastes, plan: Plan) -> tuple[np.ndarray, int]:
    """Satisfaction and appeal by user [num_users, 2], and how many events counted live."""
    feedback = describe_feedback(bundle.parent.parent)
    with closing(FeedbackLogs(feedback)) as logs:
        model = open_model(bundle, logs.events, feedback, ExactConfig(name="exact"))
        model.follow(logs)
    live = sum(map(len, model.recommender._events))
    shown = model.recommender.recommend(plan.user_ids, plan.k).groupby(USER_ID)[ITEM_ID]
    liking = [tastes.get(user_id, list(shown.get_group(user_id))) for user_id in plan.user_ids]
    return np.array([(compute_like_chance(own).mean(), own.mean()) for own in liking]), live


def main() -> None:
    """Prints a table, and last a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--k", type=int, default=12)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="towerbridge-bench-") as name:
        folder = Path(name)
        frozen = copy_sample(given.artifacts, folder)
        tastes = standardise(read_affinity(folder / DATASET / "raw"))
        user_ids = tastes.user_ids[: given.users]
        plan = Plan(user_ids, given.rounds, given.k, START, timedelta(days=1), given.seed)
        events = gather(folder, tastes, plan)
        retrained = learn(folder)
        before, live_before = please(frozen, tastes, plan)
        after, live_after = please(retrained, tastes, plan)
    report(before, after, given.seed, {"events": events, "live": [live_before, live_after]})


def report(before: np.ndarray, after: np.ndarray, seed: int, more: dict[str, object]) -> None:
    """Prints both arms and their paired difference; ends with status 1 unless the interval is above zero."""
    low, high = bootstrap_means(after - before, seed)
    gain = (after - before).mean(axis=0)
    print(f"\n{'':14} {'frozen':>9} {'retrained':>9}  difference, 95 % over {len(before)} users")
    for place, measure in enumerate(("satisfaction", "appeal")):
        sides = f"{before[:, place].mean():>9.4f} {after[:, place].mean():>9.4f}"
        print(f"{measure:14} {sides}  {gain[place]:+.4f} [{low[place]:+.4f}, {high[place]:+.4f}]")
    figures = {
        "frozen": float(before[:, 0].mean()),
        "retrained": float(after[:, 0].mean()),
        "ratio": float(after[:, 0].mean() / before[:, 0].mean()),
        "difference": float(gain[0]),
        "low": float(low[0]),
        "high": float(high[0]),
        "users": len(before),
    }
    print(json.dumps({name: round(value, 4) for name, value in figures.items()} | more))
    sys.exit(int(low[0] <= 0))


if __name__ == "__main__":
    main()
