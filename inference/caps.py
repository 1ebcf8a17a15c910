"""Caps: how many items of one group, such as an artist's, may be shown together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.config import unknown_key
from feature_pipeline.errors import UserError
from feature_pipeline.schema import FeatureSpec
from inference.categories import index_categories
from inference.duplicates import find_duplicate_groups
from inference.unknown import quote


@dataclass(frozen=True)
class Cap:
    """At most `limit` of the shown items may be of one group; an item of several groups counts for each.

    Attributes:
        limit: at least one.
        membership: which item is of which group [num_items, num_groups] bool.
    """

    limit: int
    membership: csr_array


class ItemGroups:
    """Which items of a catalogue belong together; each grouping is made when it is first asked for.

    Args:
        items: the items table.
        specs: its features, of which the categorical ones group.
        vectors: content embeddings [num_items, dim] float32 by space; they tell duplicates.
    """

    def __init__(
        self, items: pd.DataFrame, specs: Sequence[FeatureSpec], vectors: Mapping[str, np.ndarray]
    ) -> None:
        self._items = items
        self._columns = sorted(spec.name for spec in specs if spec.kind == "categorical")
        self._vectors = vectors
        self._by_column: dict[str, csr_array] = {}

    def cap_columns(self, caps: Mapping[str, int]) -> list[Cap]:
        """Caps as a request names them.

        Args:
            caps: how many items may share a value, by categorical column.

        Raises:
            UserError: a column is unknown or not categorical, or a limit is no whole number of at least 1.
        """
        for column, limit in caps.items():
            if column not in self._columns:
                raise UserError(unknown_key(f"caps.{column}", self._columns))
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise UserError(f"caps.{column}: expected a whole number of at least 1, found {quote(limit)}")
        return [Cap(limit, self._group_by(column)) for column, limit in caps.items()]

    def cap_duplicates(self) -> Cap:
        """One of all that are near-duplicates by content."""
        return Cap(1, self._duplicates)

    @cached_property
    def duplicates(self) -> np.ndarray:
        """Number of each item's group of near-duplicates [num_items] int64; without content all differ."""
        return find_duplicate_groups(self._vectors) if self._vectors else np.arange(len(self._items))

    @cached_property
    def has_duplicates(self) -> bool:
        """Whether any two items are near-duplicates."""
        return bool(self.duplicates.max() + 1 < len(self._items))

    @cached_property
    def _duplicates(self) -> csr_array:
        groups = self.duplicates
        cells = np.ones(len(groups), bool), groups, np.arange(len(groups) + 1)
        return csr_array(cells, shape=(len(groups), int(groups.max()) + 1))

    def _group_by(self, column: str) -> csr_array:
        if column not in self._by_column:
            self._by_column[column] = index_categories(self._items[column]).membership
        return self._by_column[column]


class Count:
    """How many more candidates of each group a cap allows.

    Args:
        cap: what is allowed.
        items: positions of the candidates [num_candidates] int.
    """

    def __init__(self, cap: Cap, items: np.ndarray) -> None:
        own = cap.membership[items]
        groups, column = np.unique(own.indices, return_inverse=True)
        self._is_member = np.zeros((len(items), len(groups)), bool)
        self._is_member[np.repeat(np.arange(len(items)), np.diff(own.indptr)), column] = True
        self._room = np.full(len(groups), cap.limit)

    def find_full(self, place: int) -> np.ndarray:
        """Counts the candidate at `place` as shown.

        Returns:
            Which candidates are of a group that is full with it [num_candidates] bool.
        """
        self._room -= self._is_member[place]
        is_full = self._is_member[place] & (self._room == 0)
        return np.asarray(self._is_member[:, is_full].any(axis=1))
