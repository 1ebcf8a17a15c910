"""The typed config of the encoders: any number of each kind, side by side, by name."""

from typing import Annotated, Literal

from pydantic import Field

from feature_pipeline.config import Strict
from feature_pipeline.encoders.precision import Precision

Name = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]


class ProjectionConfig(Strict):
    """Fewer dimensions for a column of embeddings: see `feature_pipeline.projection`."""

    kind: Literal["pca", "whitening"]
    dimension: int = Field(ge=1)


class ColourTextureConfig(Strict):
    """The classical image descriptor, which needs no weights."""

    library: Literal["colour_texture"]
    projection: ProjectionConfig | None = None


class ModelConfig(Strict):
    """A neural model.

    Attributes:
        model: directory of a saved model, or id on the Hugging Face hub.
        batch_size: contents in one forward pass.
        precision: of weights and arithmetic; `auto` is bfloat16 where the processor computes in it.
    """

    model: str
    batch_size: int = Field(default=32, ge=1)
    precision: Precision = "auto"
    projection: ProjectionConfig | None = None


class SentenceTransformersConfig(ModelConfig):
    """A sentence-transformers model, of text or (as CLIP) of images and text in one space."""

    library: Literal["sentence_transformers"]


class TransformersConfig(ModelConfig):
    """A vision model of the transformers library, as FLAVA, CLIP, SigLIP, ViT or DINOv2."""

    library: Literal["transformers"]


ImageEncoderConfig = Annotated[
    ColourTextureConfig | SentenceTransformersConfig | TransformersConfig, Field(discriminator="library")
]


class EncoderConfig(Strict):
    """The encoders of each content kind, by name; each gives a text or image feature one embedding column."""

    text: dict[Name, SentenceTransformersConfig] = Field(min_length=1)
    image: dict[Name, ImageEncoderConfig] = Field(min_length=1)

    @property
    def shared(self) -> dict[str, str]:
        """A text and an image encoder that embed into one space, by kind: the same model, not projected."""
        for image, seeing in self.image.items():
            if isinstance(seeing, SentenceTransformersConfig) and not seeing.projection:
                for text, reading in self.text.items():
                    if reading.model == seeing.model and not reading.projection:
                        return {"text": text, "image": image}
        return {}
