"""Text and image attributes of users and items -> embedding columns, each content encoded once."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from feature_pipeline.config import EncoderConfig, FeatureColumn
from feature_pipeline.embeddings import EmbeddingCache, EmbeddingResult, embed
from feature_pipeline.encoders import Encoder
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.progress import report_step
from feature_pipeline.tables import Quarantine


def load_encoders(config: EncoderConfig) -> dict[str, Encoder]:
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
    encoders: dict[str, Encoder]
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
        kinds = {name: feature.kind for name, feature in features.items() if feature.kind in self.encoders}
        return {f"{name}_embedding": self._embed_column(table, file, frame[name], kind) for name, kind in kinds.items()}

    def _embed_column(self, table: str, file: str, values: pd.Series, kind: str) -> EmbeddingResult:
        with report_step(f"embed {table}.{values.name}") as step:
            contents = _texts(values) if kind == "text" else [_read_bytes(self.root, path) for path in values]
            result = embed(self.encoders[kind], contents, self.cache)
            step.rows = len(values)
            step.note = f"{result.encoded} encoded, {result.reused} reused, {result.missing.sum()} missing"
        reasons = {place: f"not readable: {why}" for place, why in result.failures.items()}
        for place, value in enumerate(values):
            if isinstance(value, str) and value.strip() and contents[place] is None:
                reasons[place] = "no such file, or no right to read it"
        refused = values.iloc[list(reasons)]
        why = pd.Series(list(reasons.values()), index=refused.index, dtype="str")
        self.quarantine.add(table, file, str(values.name), refused, why)
        return result


def _texts(values: pd.Series) -> list[str | None]:
    return [text if isinstance(text, str) else None for text in values]


def _read_bytes(root: Path, path: object) -> bytes | None:
    """The file's bytes; None where no path is given or no such file can be read."""
    if not isinstance(path, str) or not path:
        return None
    try:
        return (root / path).read_bytes()
    except OSError:
        return None
