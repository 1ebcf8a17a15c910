"""CLIP by sentence-transformers: images and texts in one space, on a tiny model saved for the test."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from feature_pipeline.encoders import ContentError
from feature_pipeline.encoders.sentence_image import SentenceImageEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.encoders.vision import VisionEncoder
from tests.feature_pipeline.encoders import tiny_models
from tests.feature_pipeline.encoders.test_vision import IMAGES, as_png


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_sentence_clip(tmp_path_factory.mktemp("clip"))


def test_images_are_encoded_as_by_transformers(directory: Path) -> None:
    encoder = SentenceImageEncoder(str(directory), batch_size=2, precision="float32")
    plain = VisionEncoder(str(directory.parent / "plain"), precision="float32")

    vectors = encoder.encode(IMAGES)

    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dimension) == (3, 12)
    np.testing.assert_allclose(vectors, plain.encode(IMAGES), atol=1e-5)


def test_texts_share_the_space(directory: Path) -> None:
    encoder = TextEncoder(str(directory), batch_size=2, precision="float32")
    texts = ["a red cup", "kite", "a cup that is red"]

    vectors = encoder.encode(texts)

    assert vectors.shape == (3, SentenceImageEncoder(str(directory)).dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[1], encoder.encode(["kite"])[0], atol=1e-5)


def test_bfloat16_is_near(directory: Path) -> None:
    exact, half = (SentenceImageEncoder(str(directory), 2, name) for name in ("float32", "bfloat16"))

    assert (exact.encode(IMAGES) * half.encode(IMAGES)).sum(axis=1).min() > 0.999
    assert half.id == exact.id.replace("float32", "bfloat16")


def test_a_transparent_image_is_read_on_white(directory: Path) -> None:
    encoder = SentenceImageEncoder(str(directory), precision="float32")
    clear = as_png(np.zeros((40, 40, 4), np.uint8))
    white = as_png(np.full((40, 40, 3), 255, np.uint8))

    seen, expected, other = encoder.encode([clear, white, IMAGES[0]])

    np.testing.assert_allclose(seen, expected, atol=1e-6)
    assert np.abs(other - expected).max() > 1e-3


def test_a_large_image_is_shrunk_and_hardly_changes(directory: Path) -> None:
    encoder = SentenceImageEncoder(str(directory), precision="float32")
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))

    large, small = (
        as_png(np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))) for side in (1600, 800)
    )
    first, second = encoder.encode([large, small])

    assert first @ second > 0.9999


def test_bad_images_are_named(directory: Path) -> None:
    with pytest.raises(ContentError) as error:
        SentenceImageEncoder(str(directory)).encode([b"", IMAGES[0]])

    assert list(error.value.failures) == [0]
    assert SentenceImageEncoder(str(directory)).encode([]).shape == (0, 12)
