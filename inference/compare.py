"""`python -m inference.compare`: how alike are the recommendations of two bundles? Prints JSON.

Users of both are served by each, those with feedback and others apart. `make train` runs this on a bundle
before it is published, beside the one that was current until then.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from feature_pipeline.entry import run
from feature_pipeline.feedback.record import FOLDED
from feature_pipeline.schema import EVENT_TYPE, ITEM_ID, USER_ID
from inference.recommender import Recommender
from training_pipeline.bundle import Bundle, open_bundle

LENGTH = 10
USERS = 100


def main(config: DictConfig) -> None:
    """Prints the mean overlap of the first ten for users with feedback and for others, null without any."""
    bundle, former = open_bundle(Path(config.path)), open_bundle(Path(config.former))
    print(json.dumps(compare(bundle, former, config.seed)))


def compare(bundle: Bundle, former: Bundle, seed: int) -> dict[str, dict[str, float | int | None]]:
    """The share of a user's first ten items that both bundles recommend, by group of users.

    Args:
        bundle: says who has given feedback.
        former: to compare it with.
        seed: draws at most `USERS` of each group.
    """
    events = bundle.tables.interactions
    gave = set(events.loc[events[EVENT_TYPE].str.startswith(FOLDED), USER_ID])
    known = [user_id for user_id in former.tables.users[USER_ID] if bundle.tables.find_user(user_id) >= 0]
    groups = {
        "with feedback": [user_id for user_id in known if user_id in gave],
        "others": [user_id for user_id in known if user_id not in gave],
    }
    rng = np.random.default_rng(seed)
    drawn = {name: list(rng.permutation(np.array(ids, object))[:USERS]) for name, ids in groups.items()}
    recommenders = Recommender(bundle), Recommender(former)
    return {
        name: {"overlap@10": _measure_overlap(recommenders, ids), "users": len(ids)}
        for name, ids in drawn.items()
    }


def _measure_overlap(recommenders: Sequence[Recommender], user_ids: list[str]) -> float | None:
    if not user_ids:
        return None
    shown = [_show(recommender, user_ids) for recommender in recommenders]
    return float(np.mean([len(shown[0][i] & shown[1][i]) / LENGTH for i in user_ids]))


def _show(recommender: Recommender, user_ids: list[str]) -> dict[str, set[str]]:
    found: pd.DataFrame = recommender.recommend(user_ids, LENGTH)
    shown = {user_id: set(items) for user_id, items in found.groupby(USER_ID)[ITEM_ID]}
    return {user_id: shown.get(user_id, set()) for user_id in user_ids}


if __name__ == "__main__":
    run(main, "compare")
