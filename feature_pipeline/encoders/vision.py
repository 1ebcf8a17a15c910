"""Image encoder of any vision model that the transformers library loads by name."""

from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from feature_pipeline.encoders import unit_rows
from feature_pipeline.encoders.checkpoint import Checkpoint
from feature_pipeline.encoders.parallel import map_batches
from feature_pipeline.encoders.picture_encoder import PictureEncoder
from feature_pipeline.encoders.precision import Precision, choose_device, resolve_precision


class VisionEncoder(PictureEncoder):
    """Encodes images by FLAVA, CLIP, SigLIP (their image features), ViT, DINOv2, ResNet and the like.

    A model without image features gives its pooled output where its weights were trained, else the mean over
    the last layer. Library and model are loaded when the first image is encoded.

    Args:
        model: directory of a saved model with its image processor, or the id of one on the Hugging Face hub.
        batch_size: images in one forward pass.
        precision: of weights and arithmetic; `auto` is bfloat16 where the processor computes in it.

    Raises:
        ValueError: `batch_size` is not positive.
    """

    def __init__(self, model: str, batch_size: int = 32, precision: Precision = "auto") -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size: expected a positive number, got {batch_size}")
        self.batch_size = batch_size
        self._checkpoint = Checkpoint(model)
        self._precision = precision

    @cached_property
    def id(self) -> str:
        """Model, revision, precision, and the way images are decoded and features are read."""
        return f"vision/{self._checkpoint.id}+{resolve_precision(self._precision)}"

    def _encode_pictures(self, pictures: list[Image.Image]) -> np.ndarray:
        starts = range(0, len(pictures), self.batch_size)
        batches = (
            self._processor(images=pictures[i : i + self.batch_size], return_tensors="pt")["pixel_values"]
            for i in starts
        )
        return unit_rows(map_batches(self._forward, batches, self._network.device.type))

    def _forward(self, pixels: Any) -> Any:
        """`[batch, 3, height, width]` to `[batch, dimension]`."""
        network = self._network
        pixels = pixels.to(network.device, network.dtype)
        if hasattr(network, "get_image_features"):
            return _read_image_features(network.get_image_features(pixel_values=pixels))
        output = network(pixel_values=pixels)
        if self._has_pooler and output.get("pooler_output") is not None:
            return output.pooler_output.flatten(1)
        return _mean_over_places(output.last_hidden_state)

    @cached_property
    def _processor(self) -> Any:
        import transformers

        processors: Any = transformers.AutoImageProcessor
        with self._checkpoint.explain_failure():
            return processors.from_pretrained(self._checkpoint.place, **self._checkpoint.options)

    @property
    def _network(self) -> Any:
        return self._loaded[0]

    @property
    def _has_pooler(self) -> bool:
        """Whether the pooled output was trained; a classifier's files may lack it, and it is then random."""
        return not any(name.startswith("pooler.") for name in self._loaded[1])

    @cached_property
    def _loaded(self) -> tuple[Any, set[str]]:
        """The model, and the names of its weights that the files do not hold."""
        import torch
        from transformers import AutoModel

        with self._checkpoint.explain_failure():
            network, info = AutoModel.from_pretrained(
                self._checkpoint.place,
                dtype=getattr(torch, resolve_precision(self._precision)),
                output_loading_info=True,
                **self._checkpoint.options,
            )
            absent = set(info["missing_keys"])
            if any(not name.startswith("pooler.") for name in absent):
                raise ValueError(f"its files lack the weights {sorted(absent)[0]} and {len(absent) - 1} more")
        return network.to(choose_device()).eval(), absent


def _read_image_features(output: Any) -> Any:
    """Recent versions of the library return the features inside an output object, older ones as they are."""
    features = getattr(output, "pooler_output", output)
    # FLAVA gives a vector for each patch too; the first place stands for the whole image.
    return features[:, 0] if features.ndim == 3 else features


def _mean_over_places(hidden: Any) -> Any:
    """Of `[batch, places, dimension]` or, as convolutions give it, `[batch, dimension, height, width]`."""
    return hidden.mean(dim=1) if hidden.ndim == 3 else hidden.mean(dim=(2, 3))
