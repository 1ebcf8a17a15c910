"""The users of a bundle, as somebody who chooses one sees them."""

import random
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.store import FeatureStore
from inference.cards import describe
from training_pipeline.bundle import Bundle

# Somebody with so many events has a taste that shows; with many more, hardly anything is left to recommend.
_LIVELY = (0.6, 0.9)


class People:
    """Who is known, what they say of themselves, and what they have met. Threads may share it.

    Args:
        bundle: its tables.

    Attributes:
        users: the users table.
        specs: its features.
        popularity: events of each item that has any, by id, the most first.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.users = bundle.store.read_table("users")
        self.specs = bundle.store.get_specs("users")
        events = _read_events(bundle.store)
        self.popularity = events[ITEM_ID].value_counts()
        self._counts = events[USER_ID].value_counts().reindex(self.users[USER_ID], fill_value=0)
        self._rows = {user_id: place for place, user_id in enumerate(self.users[USER_ID])}
        self._folded = [user_id.casefold() for user_id in self.users[USER_ID]]

    def describe(self, user_id: str) -> Mapping[str, str]:
        """What a user of the bundle says, in words, by column; nothing of others."""
        place = self._rows.get(user_id)
        if place is None:
            return {}
        row = self.users.iloc[place]
        return describe(row, self.specs, ("categorical", "numeric", "timestamp", "text"))

    def find(self, text: str, limit: int) -> list[str]:
        """Users whose id has the text in it; those that begin with it come first."""
        wanted = text.strip().casefold()
        found = [place for place, user_id in enumerate(self._folded) if wanted in user_id]
        found.sort(key=lambda place: (not self._folded[place].startswith(wanted), self._folded[place]))
        return list(self.users[USER_ID].iloc[found[:limit]])

    def choose_lively(self, count: int) -> list[str]:
        """Some users with a history, always the same ones, spread over the table."""
        active = self._counts[self._counts > 0]
        low, high = active.quantile(_LIVELY)
        lively = active[active.between(low, high)].index
        places = np.unique(np.linspace(0, len(lively) - 1, min(count, len(lively))).round().astype(int))
        return list(lively[places])

    def draw(self) -> str:
        """Anybody who has a history."""
        return str(random.choice(self._counts[self._counts > 0].index))


def _read_events(store: FeatureStore) -> pd.DataFrame:
    """Who met what; of the many columns of the interactions only these are read."""
    files = [store.get_partition(name) for name in store.partitions]
    events = pa.concat_tables([pq.read_table(file, columns=[USER_ID, ITEM_ID]) for file in files])
    frame: pd.DataFrame = events.to_pandas()
    return frame
