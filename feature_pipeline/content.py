"""Text and image attributes of users and items -> embedding columns, each content encoded once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.embeddings import EmbeddingCache, EmbeddingResult, embed
from feature_pipeline.encoders import Encoder
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.progress import report_step
from feature_pipeline.tables import Quarantine

ABSENT_FILE = "no such file, or no right to read it"


def load_encoders(config: EncoderConfig) -> dict[str, Encoder[Any]]:
    """The encoder of each content kind: `text` and `image`."""
    return {"text": TextEncoder(config.text.model, config.text.batch_size), "image": ColourTextureEncoder()}


@dataclass
class ContentEmbedder:
    """Embeds the text and image features of a data set's tables.

    Attributes:
        root: folder of the raw files; image columns hold paths relative to it.
        encoders: by content kind.
        cache: keeps what was encoded before.
        quarantine: receives the images that are absent or not readable; their embedding counts as missing.
    """

    root: Path
    encoders: dict[str, Encoder[Any]]
    cache: EmbeddingCache
    quarantine: Quarantine

    def embed(
        self, table: str, file: str, frame: pd.DataFrame, features: dict[str, FeatureColumn]
    ) -> dict[str, EmbeddingResult]:
        """Embeds every text and image feature of one table.

        Args:
            table: `users` or `items`.
            file: where the table was read from; the index of `frame` is the line in it.
            frame: the contract table.
            features: its declared features.

        Returns:
            `<feature>_embedding` -> vectors aligned with `frame`.
        """
        return {
            f"{name}_embedding": self._embed_column(table, file, frame[name], feature)
            for name, feature in features.items()
            if feature.kind in self.encoders
        }

    def _embed_column(
        self, table: str, file: str, values: pd.Series, feature: FeatureColumn
    ) -> EmbeddingResult:
        given = [value if isinstance(value, str) else None for value in values]
        with report_step(f"embed {table}.{values.name}") as step:
            contents = given if feature.kind == "text" else [_read_bytes(self.root, path) for path in given]
            result = embed(self.encoders[feature.kind], contents, self.cache)
            step.rows = len(values)
            step.note = f"{result.encoded} encoded, {result.reused} reused, {result.missing.sum()} missing"
        pairs = enumerate(zip(given, contents, strict=True))
        reasons = {place: ABSENT_FILE for place, (path, content) in pairs if path and content is None}
        reasons |= {place: f"not readable: {why}" for place, why in result.failures.items()}
        refused = values.iloc[list(reasons)]
        why = pd.Series(list(reasons.values()), index=refused.index, dtype="str")
        self.quarantine.add(table, file, feature.column or str(values.name), refused, why)
        return result


def _read_bytes(root: Path, path: str | None) -> bytes | None:
    """The file's bytes; None where no path is given or no such file can be read."""
    try:
        return (root / path).read_bytes() if path else None
    except (OSError, ValueError):  # a path with a null character is a ValueError
        return None
