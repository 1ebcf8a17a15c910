"""Image encoder of models that read images and text into one space, as CLIP does."""

import numpy as np
from PIL import Image

from feature_pipeline.encoders.picture_encoder import PictureEncoder
from feature_pipeline.encoders.precision import Precision
from feature_pipeline.encoders.sentence_model import SentenceModel


class SentenceImageEncoder(PictureEncoder):
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

    def _encode_pictures(self, pictures: list[Image.Image]) -> np.ndarray:
        return self._model.encode(pictures)
