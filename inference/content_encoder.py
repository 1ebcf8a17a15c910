"""New texts and pictures into the spaces of a feature store: the same encoders, the same projections."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np

from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.encoders import ContentError, Encoder
from feature_pipeline.encoders.load import check_unchanged, name_columns
from feature_pipeline.encoders.parallel import keep_to_one_core
from feature_pipeline.errors import UserError
from feature_pipeline.store import FeatureStore

ContentKind = Literal["text", "image"]

LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class ContentColumn:
    """An embedding column, and what made it.

    Attributes:
        name: of the embedding column.
        feature: whose content it embeds.
        kind: of the content.
        encoder: its name among those of its kind.
    """

    name: str
    feature: str
    kind: ContentKind
    encoder: str


def list_columns(store: FeatureStore, features: Mapping[str, FeatureColumn]) -> list[ContentColumn]:
    """The embedding columns of one table's text and image features."""
    config = store.encoder_config
    return [
        *_list_kind("text", config.text, features),
        *_list_kind("image", config.image, features),
    ]


def _list_kind(
    kind: ContentKind, encoders: Mapping[str, Any], features: Mapping[str, FeatureColumn]
) -> list[ContentColumn]:
    return [
        ContentColumn(column, name, kind, encoder)
        for name, feature in features.items()
        if feature.kind == kind
        for encoder, column in name_columns(name, list(encoders)).items()
    ]


class ContentEncoder:
    """Encodes as a store's content was encoded. Threads may share it: one content is encoded at a time.

    Args:
        store: knows its encoders; each loads its model when it is first needed.
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._projections = store.read_projections()
        self._encoders: dict[tuple[ContentKind, str], Encoder[Any]] = {}
        # Tokenizers cannot be shared by threads, and a model should be loaded once.
        self._lock = Lock()

    def encode(self, kind: ContentKind, encoder: str, content: str | bytes) -> np.ndarray:
        """Encodes one content by the encoder of a name.

        Returns:
            [dim] float32 of length one, not projected.

        Raises:
            UserError: a text is empty or too long, an image cannot be decoded, or the model is not there or
                not the one that the store was built with.
        """
        if isinstance(content, str):
            _check_text(content)
        with self._lock, keep_to_one_core() if isinstance(content, str) else nullcontext():
            try:
                vector: np.ndarray = self._get_encoder(kind, encoder).encode([content])[0]
            except ContentError as error:
                remedy = "Remedy: give a whole PNG, JPEG or WebP file"
                raise UserError(f"{kind}: {error.failures[0]}. {remedy}") from None
        return vector

    def project(self, table: str, column: str, vector: np.ndarray) -> np.ndarray:
        """Takes what the encoder gives [width] to an embedding column of a table: [dim] float32."""
        projection = self._projections.get(f"{table}.{column}")
        return vector if projection is None else projection.apply(vector[None])[0]

    def _get_encoder(self, kind: ContentKind, name: str) -> Encoder[Any]:
        if (kind, name) not in self._encoders:
            encoder = self._store.encoders[kind][name].encoder
            pinned_id = self._store.encoder_ids.get(kind, {}).get(name)
            if pinned_id is not None:
                check_unchanged(encoder, pinned_id)
            self._encoders[kind, name] = encoder
        return self._encoders[kind, name]


def _check_text(text: str) -> None:
    if not text.strip():
        raise UserError("text: expected some words, found none")
    if len(text) > LONGEST_TEXT:
        raise UserError(f"text: expected at most {LONGEST_TEXT:,} characters, found {len(text):,}")
