"""Keys of several parts as single whole numbers, which are found and compared many times faster."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from feature_pipeline.compiled import compiled
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.errors import UnsupportedExpressionError

# What no key has.
NO_KEY = -1

_LARGEST = 2**62


@dataclass(frozen=True)
class KeySpace:
    """The least key parts and how many values each part may take: keys in their order become 0, 1, ...

    Attributes:
        lows: least value of each part.
        spans: number of values from the least to the greatest of each part.
    """

    lows: tuple[int, ...]
    spans: tuple[int, ...]

    def number(self, parts: Sequence[Column]) -> np.ndarray:
        """One whole number for each key, ascending with the keys [num_keys] int64.

        Args:
            parts: of the keys [num_keys] each; a key is `NO_KEY` where one is unknown or outside.
        """
        numbers = np.zeros(len(parts[0].values), np.int64)
        for part, low, span in zip(parts, self.lows, self.spans, strict=True):
            _append(numbers, part.values, part.known, low, span)
        return numbers

    def split(self, numbers: np.ndarray) -> list[np.ndarray]:
        """The parts of the keys [num_keys] int64 each."""
        parts = []
        for low, span in zip(self.lows[::-1], self.spans[::-1], strict=True):
            parts.append(numbers % span + low)
            numbers = numbers // span
        return parts[::-1]


@compiled
def _append(numbers: np.ndarray, values: np.ndarray, known: np.ndarray | None, low: int, span: int) -> None:
    """Lets one more part of the keys count for their numbers."""
    for row, value in enumerate(values):
        is_inside = numbers[row] != NO_KEY and low <= value < low + span
        if is_inside and (known is None or known[row]):
            numbers[row] = numbers[row] * span + (value - low)
        else:
            numbers[row] = NO_KEY


def fit_keys(parts: Sequence[Column]) -> KeySpace:
    """The space of the known keys.

    Raises:
        UnsupportedExpressionError: there could be more keys than whole numbers.
    """
    lows, spans = [], []
    for part in parts:
        values = part.values if part.known is None else part.values[part.known]
        low = int(values.min()) if len(values) else 0
        lows.append(low)
        spans.append(int(values.max()) - low + 1 if len(values) else 1)
    if prod(spans) > _LARGEST:
        raise UnsupportedExpressionError(
            f"a key of {len(spans)} columns takes {' x '.join(f'{span:,}' for span in spans)} values, more "
            "than the engine of serving can tell apart. Remedy: join by ids, not by times or amounts"
        )
    return KeySpace(tuple(lows), tuple(spans))
