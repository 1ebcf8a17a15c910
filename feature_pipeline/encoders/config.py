"""The typed config of the encoders."""

from typing import Literal

from pydantic import Field

from feature_pipeline.config import Strict


class TextEncoderConfig(Strict):
    """The sentence-transformers model of the text features."""

    model: str
    batch_size: int = Field(ge=1)


class ImageEncoderConfig(Strict):
    """The image descriptor of the image features."""

    model: Literal["colour_texture"]


class EncoderConfig(Strict):
    """One encoder for each content kind."""

    text: TextEncoderConfig
    image: ImageEncoderConfig
