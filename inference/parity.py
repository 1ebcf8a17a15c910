"""Whether serving gives what was evaluated: users are served, and replayed by the code of training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.errors import UserError
from feature_pipeline.schema import ITEM_ID, USER_ID
from inference.columns import RANKING_SCORE
from inference.offline import replay
from training_pipeline.bundle import Bundle
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

TOLERANCE = 1e-6
NUM_USERS = 50

_KEY = [USER_ID, ITEM_ID]

Serve = Callable[[Sequence[str], int], pd.DataFrame]


class ParityError(UserError):
    """Serving and training's own code disagree; the message says where."""


@dataclass(frozen=True)
class Parity:
    """How far served scores are from those of the replay.

    Attributes:
        users: how many were served.
        candidates: how many scores were compared.
        largest_difference: of any score, as a share of its size where that is above 1.
    """

    users: int
    candidates: int
    largest_difference: float


def choose_users(bundle: Bundle, count: int = NUM_USERS) -> list[str]:
    """Users to compare, spread evenly over the table."""
    known = bundle.tables.users[USER_ID]
    places = np.unique(np.linspace(0, len(known) - 1, count).round().astype(int))
    return list(known.iloc[places])


def measure_parity(bundle: Bundle, engine: EngineConfig, asked: pd.DataFrame, serve: Serve) -> Parity:
    """Serves users and replays them.

    Args:
        bundle: the model that serves.
        engine: as training computes features.
        asked: queries of the bundle's users, see `build_serving_queries`.
        serve: from their users and k to recommendations, at those moments; see `Recommender.recommend`.

    Raises:
        ParityError: other items are served, or a score differs by more than `TOLERANCE`.
    """
    expected = replay(bundle, engine, asked)
    served = serve(list(asked[USER_ID]), bundle.ranker_config.candidates)
    both = expected.merge(served, on=_KEY, how="outer", suffixes=("", "_served"), indicator="side")
    only = both[both["side"] != "both"]
    if len(only):
        first = only.iloc[0]
        where = {"left_only": "is not served", "right_only": "is served alone"}[first["side"]]
        raise ParityError(
            f"user {first[USER_ID]!r}: item {first[ITEM_ID]!r} {where} ({len(only)} such candidates)"
        )
    differences = [_differ(both, name) for name in (RETRIEVAL_SCORE, RANKING_SCORE)]
    worst = np.maximum(*differences)
    if worst.max(initial=0) > TOLERANCE:
        first = both.iloc[int(worst.argmax())]
        raise ParityError(
            f"user {first[USER_ID]!r}, item {first[ITEM_ID]!r}: expected a ranking score of "
            f"{first[RANKING_SCORE]:.7f} and a retrieval score of {first[RETRIEVAL_SCORE]:.7f}, served were "
            f"{first[RANKING_SCORE + '_served']:.7f} and {first[RETRIEVAL_SCORE + '_served']:.7f}"
        )
    return Parity(len(asked), len(both), float(worst.max(initial=0)))


def _differ(both: pd.DataFrame, name: str) -> np.ndarray:
    expected, served = (both[column].to_numpy("float64") for column in (name, f"{name}_served"))
    differences: np.ndarray = np.abs(expected - served) / np.maximum(np.abs(expected), 1)
    return differences
