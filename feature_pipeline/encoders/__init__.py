"""Encoders: content that models cannot read (text, images) to embeddings that they can."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

Content = TypeVar("Content", str, bytes, contravariant=True)

_SHOWN_FAILURES = 5


class Encoder(Protocol[Content]):
    """What an encoder offers: texts (`str`) or encoded images (`bytes`) to unit vectors."""

    @property
    def id(self) -> str:
        """Names model and revision: two encoders with one id give one content the same embedding."""

    @property
    def dimension(self) -> int:
        """Length of every embedding."""

    def encode(self, contents: Sequence[Content], /) -> np.ndarray:
        """Encode contents to `[len(contents), dimension]` float32 rows of length one, in their order.

        Raises:
            ContentError: some contents cannot be encoded; none of the others is.
        """


class ContentError(ValueError):
    """Some contents of a call cannot be encoded.

    Attributes:
        failures: reason by position in the call.
    """

    def __init__(self, failures: Mapping[int, str], num_contents: int) -> None:
        self.failures = dict(failures)
        shown = "; ".join(f"[{i}] {reason}" for i, reason in list(self.failures.items())[:_SHOWN_FAILURES])
        more = len(self.failures) - _SHOWN_FAILURES
        super().__init__(
            f"{len(self.failures)} of {num_contents} contents cannot be encoded: {shown}"
            f"{f'; and {more} more' if more > 0 else ''}. Mend them or leave them out; "
            "feature_pipeline.embeddings.embed marks them missing and encodes the others."
        )


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows `[n, dimension]` scaled to length one; zero rows stay zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: np.ndarray = rows / np.where(length > 0, length, 1)
    return scaled
