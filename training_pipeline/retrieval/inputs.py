"""From table columns to the arrays that the towers read: vocabularies, scales, and how both are applied.

Fitted on the training window alone, written into the bundle, applied alike in training and serving.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Table
from feature_pipeline.columns import to_float
from feature_pipeline.schema import FeatureSpec

PAD, UNKNOWN, FIRST_KNOWN = 0, 1, 2
NUMERIC = "numeric"
MAX_VALUES = 16

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Vocabulary:
    """Known values of a categorical feature: index 0 pads, 1 is unknown, known values follow.

    Attributes:
        values: the known values, sorted.
        width: how many values one row can hold; further ones are cut off.
    """

    values: list[str]
    width: int

    @property
    def size(self) -> int:
        """Number of indices, padding and unknown included."""
        return len(self.values) + FIRST_KNOWN

    def encode(self, rows: Collection[Iterable[str]]) -> np.ndarray:
        """Indices [num_rows, width] int32."""
        encoded = np.full((len(rows), self.width), PAD, np.int32)
        for place, row in enumerate(rows):
            indices = [self._index.get(value, UNKNOWN) for value in row][: self.width]
            encoded[place, : len(indices)] = indices
        return encoded

    @cached_property
    def _index(self) -> dict[str, int]:
        return {value: place for place, value in enumerate(self.values, FIRST_KNOWN)}


@dataclass(frozen=True)
class Scale:
    """Mean and spread of a numeric feature after `sign(x) log(1 + |x|)`, which tames long tails."""

    mean: float
    deviation: float

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Standardised values and whether each was missing: [num_rows, 2] float32."""
        scaled = (_squash(values) - self.mean) / self.deviation
        missing = np.isnan(scaled)
        return np.stack([np.where(missing, 0, scaled), missing], axis=1).astype(np.float32)


@dataclass(frozen=True)
class SideInputs:
    """How one side of a request (user, moment or item) becomes arrays.

    Attributes:
        vocabularies: by categorical feature.
        scales: by numeric feature.
        embeddings: dimension by embedding column.
    """

    vocabularies: dict[str, Vocabulary]
    scales: dict[str, Scale]
    embeddings: dict[str, int]

    def encode(self, frame: pd.DataFrame | Table, vectors: Mapping[str, np.ndarray]) -> Arrays:
        """Encodes a table.

        Args:
            frame: the declared columns, one row each.
            vectors: embedding columns [num_rows, dim] float32.

        Returns:
            Categorical features [num_rows, width] int32, `numeric` [num_rows, 2 * num_numeric] float32 (where
            there are any), embeddings [num_rows, dim] float32.
        """
        arrays = {name: vocabulary.encode(frame[name]) for name, vocabulary in self.vocabularies.items()}
        if self.scales:
            columns = [scale.encode(to_float(frame[name])) for name, scale in self.scales.items()]
            arrays[NUMERIC] = np.concatenate(columns, axis=1)
        return arrays | {name: vectors[name] for name in self.embeddings}

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for the bundle."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SideInputs":
        """The inverse of `to_json`."""
        return cls(
            vocabularies={name: Vocabulary(**value) for name, value in content["vocabularies"].items()},
            scales={name: Scale(**value) for name, value in content["scales"].items()},
            embeddings=content["embeddings"],
        )


def fit_inputs(
    frame: pd.DataFrame, vectors: Mapping[str, np.ndarray], specs: Iterable[FeatureSpec]
) -> SideInputs:
    """Learns vocabularies and scales.

    Args:
        frame: rows of the training window only.
        vectors: embedding columns, for their dimensions.
        specs: the features of this side; text and image columns enter through their embeddings.
    """
    vocabularies, scales, embeddings = {}, {}, {}
    for spec in specs:
        if spec.kind == "categorical":
            vocabularies[spec.name] = _fit_vocabulary(frame[spec.name])
        elif spec.kind in ("numeric", "timestamp"):
            scales[spec.name] = _fit_scale(to_float(frame[spec.name]))
        elif spec.kind == "embedding":
            embeddings[spec.name] = vectors[spec.name].shape[1]
    return SideInputs(vocabularies, scales, embeddings)


def _fit_vocabulary(rows: pd.Series) -> Vocabulary:
    width = int(min(max(rows.map(len).max() if len(rows) else 1, 1), MAX_VALUES))
    return Vocabulary(sorted({value for row in rows for value in row}), width)


def _fit_scale(values: np.ndarray) -> Scale:
    squashed = _squash(values[~np.isnan(values)])
    if not len(squashed):
        return Scale(0.0, 1.0)
    # The spread of a constant column is rounding noise, which would blow up any other value.
    is_constant = np.ptp(squashed) == 0
    return Scale(float(squashed.mean()), 1.0 if is_constant else float(squashed.std()))


def _squash(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))
