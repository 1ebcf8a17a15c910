"""The encoders that a config names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from feature_pipeline.encoders import Encoder
from feature_pipeline.encoders.config import (
    ColourTextureConfig,
    EncoderConfig,
    ImageEncoderConfig,
    ProjectionConfig,
    SentenceTransformersConfig,
)
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.sentence_image import SentenceImageEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.encoders.vision import VisionEncoder


@dataclass(frozen=True)
class ChosenEncoder:
    """An encoder, and how its embeddings are projected; no model is loaded yet."""

    encoder: Encoder[Any]
    projection: ProjectionConfig | None = None


Encoders = dict[str, dict[str, ChosenEncoder]]
EncoderNames = Mapping[str, Collection[str]]

# Names by kind where nothing is to be encoded, and each kind has one encoder.
ONE_EACH: EncoderNames = {"text": ("text",), "image": ("image",)}


def load_encoders(config: EncoderConfig) -> Encoders:
    """The encoders of each content kind (`text`, `image`), by name.

    Raises:
        MissingModelError: the package of the default model is not installed.
    """
    return {
        "text": {
            name: ChosenEncoder(TextEncoder(text.model, text.batch_size, text.precision), text.projection)
            for name, text in config.text.items()
        },
        "image": {
            name: ChosenEncoder(_load_image_encoder(image), image.projection)
            for name, image in config.image.items()
        },
    }


def _load_image_encoder(config: ImageEncoderConfig) -> Encoder[bytes]:
    if isinstance(config, ColourTextureConfig):
        return ColourTextureEncoder()
    encoder = SentenceImageEncoder if isinstance(config, SentenceTransformersConfig) else VisionEncoder
    return encoder(config.model, config.batch_size, config.precision)


def name_columns(feature: str, encoders: Collection[str]) -> dict[str, str]:
    """The embedding column of each encoder of a text or image feature.

    `<feature>_embedding` where one encoder stands alone, `<feature>_<encoder>_embedding` where several do.
    """
    if len(encoders) == 1:
        return dict.fromkeys(encoders, f"{feature}_embedding")
    return {encoder: f"{feature}_{encoder}_embedding" for encoder in encoders}
