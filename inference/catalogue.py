"""The items of a bundle, as requests name them and answers show them."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from feature_pipeline.errors import UserError
from feature_pipeline.schema import ITEM_ID, TITLE
from inference.caps import ItemGroups
from inference.columns import FUSED, RANK, SCORE
from inference.content import Matches
from inference.filters import ItemFilter
from inference.unknown import refuse_unknown
from training_pipeline.retrieval.dataset import Tables


class Catalogue:
    """Knows the items by position.

    Args:
        tables: the bundle's.

    Attributes:
        ids: [num_items] str.
        titles: [num_items] str.
        filter: finds the items that have what is asked.
        groups: tells which items belong together.
    """

    def __init__(self, tables: Tables):
        self._tables = tables
        items, specs = tables.items, tables.specs["items"]
        self.ids = items[ITEM_ID].to_numpy(object)
        self.titles = items[TITLE].to_numpy(object)
        self.filter = ItemFilter(items, specs)
        self.groups = ItemGroups(items, specs, tables.item_vectors)

    def find(self, item_ids: Sequence[str] | pd.Series) -> np.ndarray:
        """Positions of items by id [num_ids] int32.

        Raises:
            UserError: one of them is unknown; the nearest known ones are named.
        """
        if not len(item_ids):
            return np.empty(0, np.int32)
        positions = self._tables.find_items(pd.Series(list(item_ids), dtype="str"))
        if (positions < 0).any():
            unknown = list(item_ids)[int(np.argmax(positions < 0))]
            raise UserError(refuse_unknown("item", unknown, self._sorted))
        return positions

    def list(self, matches: Matches) -> pd.DataFrame:
        """`item_id, title, rank, score` of what a search found, and in `attrs` how it was `fused`."""
        found = pd.DataFrame(
            {
                ITEM_ID: self.ids[matches.items],
                TITLE: self.titles[matches.items],
                RANK: np.arange(1, len(matches.items) + 1),
                SCORE: matches.scores,
            }
        )
        found.attrs[FUSED] = matches.fused
        return found

    @cached_property
    def _sorted(self) -> Sequence[str]:
        return sorted(self.ids)
