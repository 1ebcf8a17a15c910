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
from feature_pipeline.errors import UserError


@dataclass(frozen=True)
class ChosenEncoder:
    """An encoder, and how its embeddings are projected; no model is loaded yet."""

    encoder: Encoder[Any]
    projection: ProjectionConfig | None = None


Encoders = dict[str, dict[str, ChosenEncoder]]
EncoderNames = Mapping[str, Collection[str]]
EncoderIds = Mapping[str, Mapping[str, str]]

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


def pin_encoders(config: EncoderConfig, encoders: Encoders, kinds: Collection[str]) -> dict[str, Any]:
    """What a feature store keeps of its encoders, so that new content can be encoded in the same way.

    Args:
        config: of all encoders.
        encoders: what `load_encoders` makes of it.
        kinds: kinds of the features, of which text and image count. The id of an encoder that has nothing to
            encode is not asked for: its model need not be there.

    Returns:
        `config`, and `ids` by kind and name.
    """
    ids = {
        kind: {name: chosen.encoder.id for name, chosen in named.items()}
        for kind, named in encoders.items()
        if kind in kinds
    }
    return {"config": config.model_dump(), "ids": ids}


def check_unchanged(encoder: Encoder[Any], pinned_id: str) -> None:
    """Checks that an encoder is the one whose id was pinned; another precision is near enough.

    Raises:
        UserError: the model has changed since, so that its embeddings do not compare with the pinned ones.
    """
    if _name_model(encoder.id) != _name_model(pinned_id):
        raise UserError(
            f"encoder: expected {pinned_id}, by which the content was encoded, found {encoder.id}. "
            "Remedy: put the earlier model back, or run make features and make train again"
        )


def _name_model(encoder_id: str) -> str:
    """An id without its precision, which `auto` chooses by the processor."""
    return encoder_id.rsplit("+", 1)[0]
