"""Image encoder of models that read images and text into one space, as CLIP does."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from feature_pipeline.encoders.decoding import read_images
from feature_pipeline.encoders.precision import Precision
from feature_pipeline.encoders.sentence_model import SentenceModel


class SentenceImageEncoder:
    """Encodes images (Radford et al., "Learning Transferable Visual Models From Natural Language", 2021).

    `TextEncoder` with the same model puts texts into the same space.

    Args:
        model: directory of a sentence-transformers model that reads images, or its id on the hub.
        batch_size: images in one forward pass.
        precision: of weights and arithmetic; `auto` is bfloat16 where the processor computes in it.

    Raises:
        ValueError: `batch_size` is not positive.
    """

    def __init__(self, model: str, batch_size: int = 32, precision: Precision = "auto") -> None:
        self._model = SentenceModel(model, batch_size, precision)

    @property
    def id(self) -> str:
        """Model, revision, precision, and the way images are decoded."""
        return f"image/{self._model.id}"

    @cached_property
    def dimension(self) -> int:
        """Length of every embedding; asking for it loads the model."""
        return int(self._model.encode([Image.new("RGB", (64, 64))]).shape[1])

    def encode(self, images: Sequence[bytes], /) -> np.ndarray:
        """Encode image files.

        Args:
            images: contents of PNG, JPEG, WebP, ... files: whatever `decoding.read_image` reads.

        Returns:
            `[len(images), dimension]` float32 rows of length one, in the order of `images`.

        Raises:
            ContentError: some images cannot be decoded; `failures` gives the reason by position.
            MissingModelError: the model cannot be loaded. Install it or name another.
        """
        if not images:
            return np.empty((0, self.dimension), np.float32)
        return self._model.encode(read_images(images))
