"""Text and image attributes of users and items -> embedding columns, each content encoded once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.embeddings import ABSENT_FILE, EmbeddingResult, embed, embed_files
from feature_pipeline.encoders.load import ChosenEncoder, Encoders, name_columns
from feature_pipeline.progress import report_step
from feature_pipeline.projection import Projection, fit_projection
from feature_pipeline.tables import Quarantine


@dataclass(frozen=True)
class EmbeddedColumn:
    """The embeddings of one feature by one encoder.

    Attributes:
        vectors: `[n, dimension]` float32 rows of length one in the table's order; zero where missing.
        missing: `[n]` bool, True where there is no content or it cannot be read.
        projection: what the encoder's own vectors went through, where the config asks for any.
    """

    vectors: np.ndarray
    missing: np.ndarray
    projection: Projection | None = None


@dataclass
class ContentEmbedder:
    """Embeds the text and image features of a data set's tables.

    Attributes:
        root: folder of the raw files; image columns hold paths relative to it.
        encoders: by content kind and name.
        cache: keeps what was encoded before.
        quarantine: receives the images that are absent or not readable; their embedding counts as missing.
    """

    root: Path
    encoders: Encoders
    cache: EmbeddingCache
    quarantine: Quarantine

    def embed(
        self,
        table: str,
        file: str,
        frame: pd.DataFrame,
        features: dict[str, FeatureColumn],
        is_training: np.ndarray,
    ) -> dict[str, EmbeddedColumn]:
        """Embeds every text and image feature of one table by every encoder of its kind.

        Args:
            table: `users`, `items` or `interactions`.
            file: where the table was read from; the index of `frame` is the line in it.
            frame: the contract table.
            features: its declared features.
            is_training: rows that projections may learn from `[len(frame)]` bool.

        Returns:
            Name of the column (see `name_columns`) -> vectors aligned with `frame`.

        Raises:
            ProjectionError: a projection asks for more dimensions than there are.
            MissingModelError: a model is needed and cannot be loaded.
        """
        columns: dict[str, EmbeddedColumn] = {}
        for name, feature in features.items():
            if feature.kind in self.encoders:
                columns |= self._embed_feature(table, file, frame[name], feature, is_training)
        return columns

    def _embed_feature(
        self, table: str, file: str, values: pd.Series, feature: FeatureColumn, is_training: np.ndarray
    ) -> dict[str, EmbeddedColumn]:
        encoders = self.encoders[feature.kind]
        columns: dict[str, EmbeddedColumn] = {}
        failures: dict[int, str] = {}
        for encoder, column in name_columns(str(values.name), encoders).items():
            label = f" by {encoder}" if len(encoders) > 1 else ""
            with report_step(f"embed {table}.{values.name}{label}") as step:
                result = self._embed_values(values, feature, encoders[encoder])
                step.rows = len(values)
                step.note = (
                    f"{result.encoded} encoded, {result.reused} reused, {result.missing.sum()} missing"
                )
            columns[column] = _project(result, encoders[encoder], is_training, f"{table}.{column}")
            failures |= result.failures
        refused = values.iloc[list(failures)]
        reasons = [why if why == ABSENT_FILE else f"not readable: {why}" for why in failures.values()]
        why = pd.Series(reasons, index=refused.index, dtype="str")
        self.quarantine.add(table, file, feature.column or str(values.name), refused, why)
        return columns

    def _embed_values(
        self, values: pd.Series, feature: FeatureColumn, chosen: ChosenEncoder
    ) -> EmbeddingResult:
        given = [value if isinstance(value, str) else None for value in values]
        if feature.kind == "text":
            return embed(chosen.encoder, given, self.cache)
        paths = [self.root / path if path else None for path in given]
        return embed_files(chosen.encoder, paths, self.cache)


def _project(
    result: EmbeddingResult, chosen: ChosenEncoder, is_training: np.ndarray, column: str
) -> EmbeddedColumn:
    if chosen.projection is None:
        return EmbeddedColumn(result.vectors, result.missing)
    projection = fit_projection(chosen.projection, result.vectors[is_training & ~result.missing], column)
    vectors = np.zeros((len(result.vectors), chosen.projection.dimension), np.float32)
    vectors[~result.missing] = projection.apply(result.vectors[~result.missing])
    return EmbeddedColumn(vectors, result.missing, projection)
