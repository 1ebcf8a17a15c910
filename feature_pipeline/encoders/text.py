"""Text encoder: sentence embeddings."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from feature_pipeline.encoders.checkpoint import DEFAULT_MODEL
from feature_pipeline.encoders.precision import Precision
from feature_pipeline.encoders.sentence_model import SentenceModel


class TextEncoder:
    """Encodes sentences and short paragraphs (Reimers and Gurevych, "Sentence-BERT", 2019).

    Text beyond the model's own limit (256 word pieces for the default model) is not read.

    Args:
        model: `all-MiniLM-L6-v2` (in a package, 384 dimensions), the directory of a sentence-transformers
            model, or the id of one on the Hugging Face hub, which is downloaded at first use.
        batch_size: texts in one forward pass; more needs more memory and seldom changes the speed.
        precision: of weights and arithmetic; `auto` is bfloat16 where the processor computes in it.

    Raises:
        MissingModelError: the package of the default model is not installed.
        ValueError: `batch_size` is not positive.
    """

    def __init__(
        self, model: str = DEFAULT_MODEL, batch_size: int = 32, precision: Precision = "auto"
    ) -> None:
        self._model = SentenceModel(model, batch_size, precision)

    @property
    def id(self) -> str:
        """Model, revision and precision."""
        return self._model.id

    @cached_property
    def dimension(self) -> int:
        """Length of every embedding; asking for it loads the model."""
        return int(self.encode([""]).shape[1])

    def encode(self, texts: Sequence[str], /) -> np.ndarray:
        """Encode texts, deterministically and whatever their order.

        Args:
            texts: any strings; what cannot be encoded in UTF-8 (a lone surrogate) is read as "?".

        Returns:
            `[len(texts), dimension]` float32 rows of length one, in the order of `texts`.

        Raises:
            MissingModelError: the model cannot be loaded. Install it or name another.
        """
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        readable = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        # Texts of like length share a batch, so little is padded. Equal lengths are ordered by content, so
        # that batches, and with them the last bits of each embedding, do not depend on the caller's order.
        lengths = self._model.count_tokens(readable)
        order = sorted(range(len(texts)), key=lambda i: (-lengths[i], readable[i]))
        encoded = self._model.encode([readable[i] for i in order])
        vectors = np.empty_like(encoded)
        vectors[order] = encoded
        return vectors
