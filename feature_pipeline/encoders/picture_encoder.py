"""What the image encoders with a model share: files in, the model's vectors out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from feature_pipeline.encoders.decoding import read_images


class PictureEncoder(ABC):
    """Decodes image files, and leaves the pictures to a model that is loaded when the first is encoded."""

    @cached_property
    def dimension(self) -> int:
        """Length of every embedding; asking for it loads the model."""
        return int(self._encode_pictures([Image.new("RGB", (64, 64))]).shape[1])

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
        return self._encode_pictures(read_images(images))

    @abstractmethod
    def _encode_pictures(self, pictures: list[Image.Image]) -> np.ndarray:
        """`[len(pictures), dimension]` float32 rows of length one."""
