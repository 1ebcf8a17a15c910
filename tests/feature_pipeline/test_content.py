"""Content that cannot be read is set aside with its line, and its embedding counts as missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from feature_pipeline.content import ContentEmbedder, load_encoders
from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.embeddings import EmbeddingCache, EmbeddingResult
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.tables import Quarantine

DIMENSION = ColourTextureEncoder.dimension
FEATURES = {"picture": FeatureColumn(kind="image", column="photo"), "year": FeatureColumn(kind="numeric")}


class LengthEncoder:
    """Texts to unit vectors, known in advance: one letter points right, more point up."""

    id = "length-1"
    dimension = 2

    def encode(self, texts: list[str], /) -> np.ndarray:
        return np.array([[1, 0] if len(text) == 1 else [0, 1] for text in texts], np.float32)


@pytest.fixture
def embedder(tmp_path: Path) -> ContentEmbedder:
    cache = EmbeddingCache(tmp_path / "cache.sqlite")
    return ContentEmbedder(
        tmp_path, {"text": LengthEncoder(), "image": ColourTextureEncoder()}, cache, Quarantine()
    )


def draw(path: Path, colour: str) -> None:
    pixels = np.random.default_rng(7).integers(0, 40, (48, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.paste(colour, (8, 8, 32, 40))
    image.save(path)


def embed_pictures(embedder: ContentEmbedder, *paths: str | None) -> EmbeddingResult:
    """Items as the tables hold them: sorted by id, the index telling lines 9, 8, 7, ... of the file."""
    lines = range(9, 9 - len(paths), -1)
    items = pd.DataFrame({"picture": pd.Series(paths, index=lines, dtype="str"), "year": 1.0})
    embedded = embedder.embed("items", "items.csv", items, FEATURES)
    assert list(embedded) == ["picture_embedding"]
    return embedded["picture_embedding"]


def read_quarantine(embedder: ContentEmbedder) -> list[list[object]]:
    return embedder.quarantine.build_table().to_numpy().tolist()


def test_images_are_embedded_in_the_order_of_the_table(embedder: ContentEmbedder) -> None:
    draw(embedder.root / "red.png", "red")
    draw(embedder.root / "blue.png", "blue")

    result = embed_pictures(embedder, "red.png", None, "blue.png", "red.png")

    blue = ColourTextureEncoder().encode([(embedder.root / "blue.png").read_bytes()])[0]
    assert result.vectors.shape == (4, DIMENSION)
    assert result.missing.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(result.vectors[0], result.vectors[3])
    np.testing.assert_array_equal(result.vectors[2], blue)
    assert read_quarantine(embedder) == []


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_image_is_set_aside_with_its_line(embedder: ContentEmbedder, suffix: str) -> None:
    good, cut = f"good.{suffix}", f"cut.{suffix}"
    draw(embedder.root / good, "red")
    draw(embedder.root / cut, "blue")
    whole = (embedder.root / cut).read_bytes()
    (embedder.root / cut).write_bytes(whole[: len(whole) // 2])

    result = embed_pictures(embedder, good, cut)

    (line,) = read_quarantine(embedder)
    assert line[:5] == ["items", "items.csv", 8, "photo", cut]
    assert str(line[5]).startswith(f"not readable: damaged image file of {len(whole) // 2} bytes: ")
    assert result.missing.tolist() == [False, True]
    assert not result.vectors[1].any()
    assert np.linalg.norm(result.vectors[0]) == pytest.approx(1, abs=1e-6)


def test_a_file_that_is_no_image_is_set_aside(embedder: ContentEmbedder) -> None:
    (embedder.root / "text.png").write_bytes(b"hello, I am text")
    (embedder.root / "empty.png").write_bytes(b"")

    result = embed_pictures(embedder, "text.png", "empty.png")

    reason = "not readable: expected an image file, got"
    assert read_quarantine(embedder) == [
        ["items", "items.csv", 8, "photo", "empty.png", f"{reason} 0 bytes that begin with b''"],
        ["items", "items.csv", 9, "photo", "text.png", f"{reason} 16 bytes that begin with b'hello, I'"],
    ]
    assert result.missing.all()


@pytest.mark.parametrize("path", ["nowhere.png", "folder", "nul\x00.png"])
def test_a_path_without_readable_file_is_set_aside(embedder: ContentEmbedder, path: str) -> None:
    (embedder.root / "folder").mkdir()

    result = embed_pictures(embedder, path, None)

    reason = "no such file, or no right to read it"
    assert read_quarantine(embedder) == [["items", "items.csv", 9, "photo", path, reason]]
    assert result.missing.tolist() == [True, True]
    assert result.vectors.shape == (2, DIMENSION)


def test_texts_are_embedded_and_gaps_are_missing(embedder: ContentEmbedder) -> None:
    users = pd.DataFrame({"profile": pd.Series(["a", None, "long", " "], dtype="str")})

    embedded = embedder.embed("users", "users.csv", users, {"profile": FeatureColumn(kind="text")})

    result = embedded["profile_embedding"]
    np.testing.assert_array_equal(result.vectors, np.float32([[1, 0], [0, 0], [0, 1], [0, 0]]))
    assert result.missing.tolist() == [False, True, False, True]
    assert read_quarantine(embedder) == []


def test_what_was_encoded_before_is_reused_and_told(
    embedder: ContentEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(embedder.root / "red.png", "red")
    embed_pictures(embedder, "red.png", None)
    first = capsys.readouterr().err

    embed_pictures(embedder, "red.png", None, "red.png")

    assert first.split()[:4] == ["embed", "items.picture", "2", "rows"]
    assert first.endswith("1 encoded, 0 reused, 1 missing\n")
    assert capsys.readouterr().err.endswith("0 encoded, 1 reused, 1 missing\n")


def test_encoders_are_those_of_the_config() -> None:
    config = {"text": {"model": "all-MiniLM-L6-v2", "batch_size": 7}, "image": {"model": "colour_texture"}}

    encoders = load_encoders(EncoderConfig.model_validate(config))

    assert isinstance(encoders["text"], TextEncoder)
    assert encoders["text"].batch_size == 7
    assert isinstance(encoders["image"], ColourTextureEncoder)
