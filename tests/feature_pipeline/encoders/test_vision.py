"""Vision models of the transformers library, against what the model itself says of the same pixels."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

from feature_pipeline.encoders import ContentError
from feature_pipeline.encoders.checkpoint import MissingModelError
from feature_pipeline.encoders.vision import VisionEncoder
from tests.feature_pipeline.encoders import tiny_models

RNG = np.random.default_rng(5)
PICTURES = [RNG.integers(0, 256, (40 + 9 * i, 50, 3), dtype=np.uint8) for i in range(3)]


def as_png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


IMAGES = [as_png(pixels) for pixels in PICTURES]


def pool_clip(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """The class vector through the projection, as in Radford et al."""
    return model.visual_projection(model.vision_model(pixels).pooler_output)


def pool_flava(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    return model.image_projection(model.image_model(pixels).last_hidden_state[:, 0])


def pool_class_vector(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    return model(pixels).last_hidden_state[:, 0]


def pool_mean(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    return model(pixels).last_hidden_state.mean(dim=1)


def pool_map(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    return model(pixels).last_hidden_state.mean(dim=(2, 3))


@pytest.mark.parametrize(
    ("save", "pool"),
    [
        (tiny_models.save_clip, pool_clip),
        (tiny_models.save_flava, pool_flava),
        (tiny_models.save_dinov2, pool_class_vector),
        (tiny_models.save_vit_classifier, pool_mean),
        (tiny_models.save_resnet, pool_map),
    ],
    ids=["clip", "flava", "dinov2", "vit classifier without pooler", "resnet"],
)
def test_encodes_as_the_model_itself(
    tmp_path: Path,
    save: Callable[[Path], Path],
    pool: Callable[[Any, torch.Tensor], torch.Tensor],
    capfd: pytest.CaptureFixture[str],
) -> None:
    directory = save(tmp_path / "model")
    processor, model = (kind.from_pretrained(directory) for kind in (AutoImageProcessor, AutoModel))
    pixels = processor([Image.fromarray(picture) for picture in PICTURES], return_tensors="pt")
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(pool(model.eval(), pixels["pixel_values"])).numpy()
    capfd.readouterr()

    encoder = VisionEncoder(str(directory), batch_size=2, precision="float32")
    vectors = encoder.encode(IMAGES)

    assert capfd.readouterr() == ("", "")
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dimension)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_bfloat16_is_near_and_has_its_own_id(tmp_path: Path) -> None:
    directory = str(tiny_models.save_dinov2(tmp_path / "dino"))
    exact, half = (VisionEncoder(directory, precision=name) for name in ("float32", "bfloat16"))

    cosines = (exact.encode(IMAGES) * half.encode(IMAGES)).sum(axis=1)

    assert 0.999 < cosines.min() < 1 - 1e-7
    assert exact.id == half.id.replace("bfloat16", "float32")
    assert exact.id.startswith("vision/dino@")


def test_bad_images_are_named(tmp_path: Path) -> None:
    encoder = VisionEncoder(str(tiny_models.save_dinov2(tmp_path / "dino")))

    with pytest.raises(ContentError) as error:
        encoder.encode([IMAGES[0], b"no image"])

    assert list(error.value.failures) == [1]
    assert encoder.encode([]).shape == (0, 16)


def test_files_that_lack_weights_are_refused(tmp_path: Path) -> None:
    """Random weights in place of the missing ones would embed without a word, and differently each time."""
    directory = tiny_models.save_dinov2(tmp_path / "dino")
    config = (directory / "config.json").read_text()
    (directory / "config.json").write_text(config.replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))

    with pytest.raises(MissingModelError, match=r"its files lack the weights .*layer.*2.* and \d+ more"):
        VisionEncoder(str(directory)).encode(IMAGES)


@pytest.mark.parametrize("name", ["not a model!", "."])
def test_what_is_no_model_is_named_with_the_remedy(name: str) -> None:
    with pytest.raises(MissingModelError, match="Correct the name, or download the model") as error:
        VisionEncoder(name).encode(IMAGES)

    assert f"got {name!r}" in str(error.value)
    assert "\n" not in str(error.value)


def test_batch_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="batch_size: expected a positive number, got 0"):
        VisionEncoder("anything", batch_size=0)
