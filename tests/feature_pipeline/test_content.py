"""Content that cannot be read is set aside with its line, and its embedding counts as missing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from feature_pipeline.content import ContentEmbedder, EmbeddedColumn
from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.encoders.config import ProjectionConfig
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.load import ChosenEncoder
from feature_pipeline.projection import fit_projection
from feature_pipeline.tables import Quarantine

TEXT = FeatureColumn(kind="text")
DIMENSION = ColourTextureEncoder.dimension
FEATURES = {"picture": FeatureColumn(kind="image", column="photo"), "year": FeatureColumn(kind="numeric")}


class LengthEncoder:
    """Texts to unit vectors, known in advance: one letter points right, more point up."""

    id = "length-1"
    dimension = 2

    def encode(self, texts: Sequence[str], /) -> np.ndarray:
        return np.array([[1, 0] if len(text) == 1 else [0, 1] for text in texts], np.float32)


@pytest.fixture
def embedder(tmp_path: Path) -> ContentEmbedder:
    cache = EmbeddingCache(tmp_path / "cache.sqlite")
    encoders = {
        "text": {"length": ChosenEncoder(LengthEncoder())},
        "image": {"colour_texture": ChosenEncoder(ColourTextureEncoder())},
    }
    return ContentEmbedder(tmp_path, encoders, cache, Quarantine())


def draw(path: Path, colour: str) -> None:
    pixels = np.random.default_rng(7).integers(0, 40, (48, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.paste(colour, (8, 8, 32, 40))
    image.save(path)


def embed_pictures(embedder: ContentEmbedder, *paths: str | None) -> EmbeddedColumn:
    """Items as the tables hold them: sorted by id, the index telling lines 9, 8, 7, ... of the file."""
    lines = range(9, 9 - len(paths), -1)
    items = pd.DataFrame({"picture": pd.Series(paths, index=lines, dtype="str"), "year": 1.0})
    embedded = embedder.embed("items", "items.csv", items, FEATURES, np.ones(len(items), bool))
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

    embedded = embedder.embed("users", "users.csv", users, {"profile": TEXT}, np.ones(4, bool))

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


class InitialEncoder:
    """Texts to the place of their first letter, a to h, with a little of each other place."""

    id = "initial-1"
    dimension = 8

    def encode(self, texts: Sequence[str], /) -> np.ndarray:
        rows = np.full((len(texts), 8), 0.1, np.float32)
        rows[np.arange(len(texts)), ["abcdefgh".index(text[0]) for text in texts]] = 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_several_encoders_stand_side_by_side(
    embedder: ContentEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    embedder.encoders["text"]["initial"] = ChosenEncoder(InitialEncoder())
    users = pd.DataFrame({"profile": pd.Series(["a", None, "go"], dtype="str")})

    embedded = embedder.embed("users", "users.csv", users, {"profile": TEXT}, np.ones(3, bool))

    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("embed users.profile by length ")
    assert told[1].startswith("embed users.profile by initial ")
    assert list(embedded) == ["profile_length_embedding", "profile_initial_embedding"]
    assert embedded["profile_length_embedding"].vectors.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert embedded["profile_initial_embedding"].vectors.argmax(axis=1).tolist() == [0, 0, 6]


def test_an_absent_image_is_set_aside_once_for_all_encoders(embedder: ContentEmbedder) -> None:
    other = ColourTextureEncoder()
    other.id = "another"
    embedder.encoders["image"]["again"] = ChosenEncoder(other)
    items = pd.DataFrame({"picture": pd.Series(["gone.png"], dtype="str")})

    embedded = embedder.embed("items", "items.csv", items, FEATURES, np.ones(1, bool))

    assert [column.missing.tolist() for column in embedded.values()] == [[True], [True]]
    assert len(read_quarantine(embedder)) == 1


def test_a_projection_learns_from_training_rows_alone(embedder: ContentEmbedder) -> None:
    config = ProjectionConfig(kind="pca", dimension=2)
    embedder.encoders["text"] = {"initial": ChosenEncoder(InitialEncoder(), config)}
    is_training = np.array([True, True, True, False, False, True])

    def embed(texts: list[str | None]) -> EmbeddedColumn:
        users = pd.DataFrame({"profile": pd.Series(texts, dtype="str")})
        embedded = embedder.embed("users", "u.csv", users, {"profile": TEXT}, is_training)
        return embedded["profile_embedding"]

    result = embed(["a", "b", "c", "d", None, None])
    other = embed(["a", "b", "c", "h", "g", None])

    assert result.projection is not None
    assert other.projection is not None
    expected = fit_projection(config, InitialEncoder().encode(["a", "b", "c"]), "")
    for name, array in expected.to_arrays().items():
        np.testing.assert_array_equal(result.projection.to_arrays()[name], array)
        np.testing.assert_array_equal(other.projection.to_arrays()[name], array)
    assert result.missing.tolist() == [False] * 4 + [True, True]
    np.testing.assert_array_equal(result.vectors[:4], expected.apply(InitialEncoder().encode(list("abcd"))))
    assert not result.vectors[4:].any()


def test_a_model_is_not_loaded_where_nothing_must_be_encoded(tmp_path: Path) -> None:
    """The second run meets known texts and a column without any; the model's place is gone by then."""

    class LostEncoder(LengthEncoder):
        @property
        def dimension(self) -> int:  # type: ignore[override]
            raise AssertionError("loads the model")

        def encode(self, texts: Sequence[str], /) -> np.ndarray:
            raise AssertionError("loads the model")

    users = pd.DataFrame({"profile": ["a", "long"], "motto": pd.Series([None, None], dtype="str")})
    cache = EmbeddingCache(tmp_path / "cache.sqlite")
    results = []
    for encoder in (LengthEncoder(), LostEncoder()):
        embedder = ContentEmbedder(
            tmp_path, {"text": {"length": ChosenEncoder(encoder)}}, cache, Quarantine()
        )
        features = {"profile": TEXT, "motto": TEXT}
        results.append(embedder.embed("users", "users.csv", users, features, np.ones(2, bool)))

    first, second = results
    assert second["motto_embedding"].vectors.shape == (2, 2)
    np.testing.assert_array_equal(first["profile_embedding"].vectors, second["profile_embedding"].vectors)
