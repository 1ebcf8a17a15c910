"""What invented users like, and how likely they are to look, click and like."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.errors import UserError
from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.sources.sample import read_affinity

LIKING = "liking"
# In standard deviations of a user's liking: where half of those who look click, and half of those like.
_CLICKED_BY_HALF = 1.0
_LIKED_BY_HALF = 1.5
_STEEPNESS = 2.0


@dataclass(frozen=True)
class Tastes:
    """How much each user likes each item.

    Attributes:
        liking: users by id, items by id; in standard deviations of the user's own over all items.
    """

    liking: pd.DataFrame

    @property
    def user_ids(self) -> list[str]:
        """The users whose tastes are known."""
        return [str(user_id) for user_id in self.liking.index]

    def get(self, user_id: str, item_ids: list[str]) -> np.ndarray:
        """How much a user likes some items [num_items] float64; items that nobody knows are so-so."""
        return self.liking.loc[user_id].reindex(item_ids).fillna(0.0).to_numpy("float64")


def standardise(affinity: pd.DataFrame) -> Tastes:
    """Tastes from utilities on any scale: users by id, items by id; higher is liked more."""
    centred = affinity.sub(affinity.mean(axis=1), axis=0)
    spread = affinity.std(axis=1, ddof=0).replace(0.0, 1.0)
    return Tastes(centred.div(spread, axis=0))


def read_tastes(dataset: DatasetConfig, file: Path | None) -> Tastes:
    """Tastes of a file, or those that generated the built-in sample.

    Args:
        dataset: whose users play.
        file: a Parquet file with `user_id, item_id, liking`, one row for each pair.

    Raises:
        UserError: there is neither a file nor the sample, or the file is not as it must be.
    """
    if file is None:
        if dataset.reader != "sample":
            raise UserError(
                f"tastes: expected a Parquet file with {USER_ID}, {ITEM_ID}, {LIKING}, as only the built-in "
                f"sample knows what its users like, and this is {dataset.name}. Remedy: simulate.tastes=FILE"
            )
        return standardise(read_affinity(Path(dataset.root)))
    try:
        rows = pd.read_parquet(file)
        return standardise(rows.pivot(index=USER_ID, columns=ITEM_ID, values=LIKING))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"tastes: expected a Parquet file with {USER_ID}, {ITEM_ID}, {LIKING}, one row for each pair, "
            f"found {file}: {error}. Remedy: mend the file"
        ) from None


def compute_click_chance(liking: np.ndarray) -> np.ndarray:
    """The chance that an item is clicked by who looks at it."""
    return _rise(liking - _CLICKED_BY_HALF)


def compute_like_chance(liking: np.ndarray) -> np.ndarray:
    """The chance that an item is liked by who looks at it; only what was clicked is liked."""
    chance: np.ndarray = compute_click_chance(liking) * _rise(liking - _LIKED_BY_HALF)
    return chance


def _rise(distance: np.ndarray) -> np.ndarray:
    risen: np.ndarray = 1 / (1 + np.exp(-_STEEPNESS * distance))
    return risen
