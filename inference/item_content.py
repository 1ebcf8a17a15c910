"""The content of all items, and how near each item is to what is asked."""

from collections.abc import Mapping, Sized
from functools import cached_property
from typing import Literal

import numpy as np

from feature_pipeline.encoders import unit_rows
from feature_pipeline.errors import UserError
from feature_pipeline.schema import ITEMS
from feature_pipeline.store import FeatureStore
from inference.content_encoder import ContentColumn, ContentEncoder, ContentKind, list_columns
from inference.content_space import Space, average, standardise

Fused = Literal["one space", "scores"]
# What is asked: for each kind of content, vectors by embedding column of the items.
Vectors = dict[str, np.ndarray]
Question = Mapping[ContentKind, Vectors]


class ItemContent:
    """The embedding columns of the items.

    Args:
        store: names the columns, and what made them.
        vectors: by column [num_items, dim] float32, zeros where an item has no content.
        encoder: encodes new content for them.
    """

    def __init__(
        self, store: FeatureStore, vectors: Mapping[str, np.ndarray], encoder: ContentEncoder
    ) -> None:
        self._dataset = store.dataset.name
        self._columns = list_columns(store, store.dataset.items.features)
        self._spaces = {column.name: Space(vectors[column.name]) for column in self._columns}
        self._shared = store.encoder_config.shared
        self._encoder = encoder

    def encode(self, kind: ContentKind, content: str | bytes) -> Vectors:
        """New content as a vector of every column that it can be compared with.

        Raises:
            UserError: there is no such column, or the content cannot be encoded.
        """
        encoders = {c: self._shared[kind] for c in self._columns if self._is_shared(c)}
        encoders |= {c: c.encoder for c in self._columns if c.kind == kind}
        self._check_some(kind, encoders)
        names = dict.fromkeys(encoders.values())
        encoded = {name: self._encoder.encode(kind, name, content) for name in names}
        return {c.name: self._encoder.project(ITEMS, c.name, encoded[name]) for c, name in encoders.items()}

    def take(self, kind: ContentKind, item: int) -> Vectors:
        """An item's own content of a kind; nothing where it has none.

        Raises:
            UserError: there is no column of this kind.
        """
        spaces = {c.name: self._spaces[c.name] for c in self._columns if c.kind == kind}
        self._check_some(kind, spaces)
        return {name: space.vectors[item] for name, space in spaces.items() if space.vectors[item].any()}

    def compare(self, question: Question) -> tuple[np.ndarray, Fused | None]:
        """How near each item is to what is asked; see `ContentSearch`.

        Args:
            question: one kind of content, or both.

        Returns:
            [num_items] float32, higher is nearer, NaN where there is nothing to compare; and how two kinds
            were joined.
        """
        if len(question) == 1:
            ((kind, vectors),) = question.items()
            return self._compare_kind(kind, vectors), None
        if any(self._is_shared(column) for column in self._columns):
            return self._shared_space.compare(self._add_up(question)), "one space"
        each = [standardise(self._compare_kind(kind, vectors)) for kind, vectors in question.items()]
        is_unknown = np.isnan(each).all(axis=0)
        return np.where(is_unknown, np.float32(np.nan), np.nan_to_num(each).mean(axis=0)), "scores"

    def _compare_kind(self, kind: ContentKind, vectors: Vectors) -> np.ndarray:
        """Mean cosines over the columns of a kind; over the others where an item has nothing of the kind."""
        of_kind = {column.name for column in self._columns if column.kind == kind}
        cosines = {name: self._spaces[name].compare(vector) for name, vector in vectors.items()}
        own = [cosines[name] for name in cosines if name in of_kind]
        other = [cosines[name] for name in cosines if name not in of_kind]
        mean, *rest = [average(some) for some in (own, other) if some]
        return np.where(np.isnan(mean), rest[0], mean) if rest else mean

    def _add_up(self, question: Question) -> np.ndarray:
        """Both kinds as one vector of the space that they share [dim] float32."""
        shared = {column.name for column in self._columns if self._is_shared(column)}
        kinds = [
            np.sum([vector for name, vector in vectors.items() if name in shared], axis=0)
            for vectors in question.values()
        ]
        total: np.ndarray = unit_rows(np.stack(kinds)).sum(axis=0)
        return total

    @cached_property
    def _shared_space(self) -> Space:
        """Of each item the sum of what it has in the space that both kinds share."""
        columns = [self._spaces[column.name] for column in self._columns if self._is_shared(column)]
        return Space(np.sum([unit_rows(space.vectors) for space in columns], axis=0))

    def _is_shared(self, column: ContentColumn) -> bool:
        return self._shared.get(column.kind) == column.encoder

    def _check_some(self, kind: ContentKind, columns: Sized) -> None:
        if not columns:
            raise UserError(
                f"{kind}: the items of {self._dataset} have no column of this kind. Remedy: declare one in "
                "the data set's YAML, then make features and make train"
            )
