"""Embedding what is new and keeping the rest: counts, equal bytes, killed runs, files read one by one."""

import hashlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from feature_pipeline import embeddings
from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.embeddings import ABSENT_FILE, FILES_AT_ONCE, embed, embed_files
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder


class LetterEncoder:
    """Counts the letters a to h, scaled to length one; remembers what it was asked."""

    id = "letters"
    dimension = 8

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, contents: Sequence[str], /) -> np.ndarray:
        self.seen += contents
        counts: np.ndarray = np.array(
            [[1 + text.count(letter) for letter in "abcdefgh"] for text in contents], np.float32
        )
        counts /= np.linalg.norm(counts, axis=1, keepdims=True)
        return counts


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "embeddings.sqlite")


def png(colour: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (20, 30), colour).save(file, "PNG")
    return file.getvalue()


def test_second_run_encodes_nothing_and_gives_equal_bytes(cache: EmbeddingCache) -> None:
    texts = ["a bad cab", "fade", "head", ""]
    first = embed(LetterEncoder(), texts, cache)
    encoder = LetterEncoder()
    second = embed(encoder, texts, EmbeddingCache(cache.path))
    assert (first.encoded, first.reused) == (3, 0)
    assert (second.encoded, second.reused) == (0, 3)
    assert encoder.seen == []
    assert second.vectors.tobytes() == first.vectors.tobytes()


def test_missing_rows_are_zero(cache: EmbeddingCache) -> None:
    result = embed(LetterEncoder(), [None, "cab", "", " \n\t "], cache)
    assert result.missing.tolist() == [True, False, True, True]
    assert not result.vectors[result.missing].any()
    # a, b and c once more than once each: (2, 2, 2, 1, 1, 1, 1, 1) over the root of 3 * 4 + 5
    np.testing.assert_allclose(result.vectors[1], np.array([2, 2, 2, 1, 1, 1, 1, 1]) / np.sqrt(17), rtol=1e-6)
    assert result.vectors.dtype == np.float32
    assert result.failures == {}


def test_nothing_to_embed(cache: EmbeddingCache) -> None:
    assert embed(LetterEncoder(), [], cache).vectors.shape == (0, 8)
    assert embed(LetterEncoder(), [None], cache).vectors.shape == (1, 8)


def test_a_model_is_asked_for_its_dimension_once_in_the_life_of_the_cache(cache: EmbeddingCache) -> None:
    class LoadedEncoder(LetterEncoder):
        @property
        def dimension(self) -> int:  # type: ignore[override]
            raise AssertionError("loads the model")

    embed(LetterEncoder(), [None, ""], cache)
    result = embed(LoadedEncoder(), [None, None, ""], cache)

    assert result.vectors.shape == (3, 8)
    assert result.missing.all()


def test_duplicates_are_encoded_once(cache: EmbeddingCache) -> None:
    encoder = LetterEncoder()
    result = embed(encoder, ["cab", "bed", "cab", "cab"], cache)
    assert sorted(encoder.seen) == ["bed", "cab"]
    assert result.encoded == 2
    np.testing.assert_array_equal(result.vectors[[0, 0, 0]], result.vectors[[0, 2, 3]])


def test_only_new_content_is_encoded(cache: EmbeddingCache) -> None:
    embed(LetterEncoder(), ["cab", "bed"], cache)
    encoder = LetterEncoder()
    result = embed(encoder, ["bed", "fad", "cab"], cache)
    assert encoder.seen == ["fad"]
    assert (result.encoded, result.reused) == (1, 2)


def test_another_encoder_shares_nothing(cache: EmbeddingCache) -> None:
    embed(LetterEncoder(), ["cab"], cache)
    other = LetterEncoder()
    other.id = "letters@2"
    assert embed(other, ["cab"], cache).reused == 0


@given(st.lists(st.one_of(st.none(), st.text(alphabet="abc \ud800", max_size=3)), max_size=12))
def test_rows_equal_those_of_the_encoder(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]
) -> None:
    cache = EmbeddingCache(tmp_path_factory.mktemp("cache") / "c.sqlite")
    result = embed(LetterEncoder(), texts, cache)
    for text, vector, missing in zip(texts, result.vectors, result.missing, strict=True):
        assert missing == (text is None or text.isspace() or text == "")
        if text is not None and not missing:
            np.testing.assert_array_equal(vector, LetterEncoder().encode([text])[0])


def test_killed_run_keeps_the_chunks_it_wrote(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledEncoder(LetterEncoder):
        def encode(self, contents: Sequence[str], /) -> np.ndarray:
            if len(self.seen) == 4:
                raise KeyboardInterrupt
            return super().encode(contents)

    monkeypatch.setattr(embeddings, "CHUNK_SIZE", 2)
    texts = ["a", "b", "c", "d", "e", "f"]
    killed, later = KilledEncoder(), LetterEncoder()
    with pytest.raises(KeyboardInterrupt):
        embed(killed, texts, cache)
    result = embed(later, texts, cache)
    assert (result.encoded, result.reused) == (2, 4)
    assert set(later.seen) == set(texts) - set(killed.seen)


def test_bad_images_are_missing_and_the_others_are_kept(cache: EmbeddingCache) -> None:
    whole = png("red")
    images = [whole, whole[:40], None, png("blue"), b"", whole[:40]]
    first = embed(ColourTextureEncoder(), images, cache)
    assert first.missing.tolist() == [False, True, True, False, True, True]
    assert list(first.failures) == [1, 4, 5]
    assert "0 bytes" in first.failures[4]
    assert first.encoded == 2
    np.testing.assert_array_equal(first.vectors[[0, 3]], ColourTextureEncoder().encode([whole, png("blue")]))

    second = embed(ColourTextureEncoder(), images, cache)
    assert (second.encoded, second.reused) == (0, 2)
    assert second.failures == first.failures
    assert second.vectors.tobytes() == first.vectors.tobytes()


def test_only_bad_images(cache: EmbeddingCache) -> None:
    result = embed(ColourTextureEncoder(), [b"no image"], cache)
    assert result.vectors.shape == (1, ColourTextureEncoder.dimension)
    assert list(result.failures) == [0]


class CountingEncoder(ColourTextureEncoder):
    """Remembers how many images it was given at once."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, images: Sequence[bytes], /) -> np.ndarray:
        self.calls.append(len(images))
        return super().encode(images)


def test_files_are_embedded_as_their_contents(cache: EmbeddingCache, tmp_path: Path) -> None:
    names = ["red.png", "same.png", "blue.png", "cut.png", "cut too.png"]
    contents = [png("red"), png("red"), png("blue"), png("green")[:60], png("green")[:60]]
    for name, content in zip(names, contents, strict=True):
        (tmp_path / name).write_bytes(content)
    paths = [None, *(tmp_path / name for name in names), tmp_path / "nowhere.png", tmp_path / "red.png"]

    encoder = CountingEncoder()
    result = embed_files(encoder, paths, cache)

    expected = ColourTextureEncoder().encode([png("red"), png("blue")])
    assert result.missing.tolist() == [True, False, False, False, True, True, True, False]
    np.testing.assert_array_equal(result.vectors[[1, 2, 3, 7]], expected[[0, 0, 1, 0]])
    assert not result.vectors[result.missing].any()
    assert (result.encoded, result.reused) == (2, 0)
    assert encoder.calls == [3, 2]  # with the damaged one, and without
    assert sorted(result.failures) == [4, 5, 6]
    assert result.failures[6] == ABSENT_FILE
    assert result.failures[4] == result.failures[5]
    assert result.failures[4].startswith("damaged image file of 60 bytes")


def test_few_files_are_held_at_once_and_only_new_ones_encoded(cache: EmbeddingCache, tmp_path: Path) -> None:
    paths: list[Path | None] = []
    for i in range(FILES_AT_ONCE + 3):
        path = tmp_path / f"{i}.png"
        path.write_bytes(png(f"#0000{i:02x}"))
        paths.append(path)

    first, second = CountingEncoder(), CountingEncoder()
    embed_files(first, paths, cache)
    (tmp_path / "5.png").write_bytes(png("gold"))
    result = embed_files(second, paths, cache)

    assert first.calls == [FILES_AT_ONCE, 3]
    assert second.calls == [1]
    assert (result.encoded, result.reused) == (1, FILES_AT_ONCE + 2)


def test_no_files(cache: EmbeddingCache) -> None:
    assert embed_files(ColourTextureEncoder(), [], cache).vectors.shape == (0, ColourTextureEncoder.dimension)


def test_real_texts_do_not_depend_on_the_cache(cache: EmbeddingCache) -> None:
    texts = ["a loud amplifier", "cable", "a very long description of a short cable", "cable"]
    first = embed(TextEncoder(), texts, cache)
    assert embed(TextEncoder(), texts, cache).vectors.tobytes() == first.vectors.tobytes()
    assert (first.vectors * TextEncoder().encode(texts)).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize("absent", [float("nan"), 3])
def test_other_types_are_refused(cache: EmbeddingCache, absent: Any) -> None:
    contents: list[str | None] = ["cab", absent]
    with pytest.raises(
        TypeError, match=rf"contents\[1\]: expected str, bytes or None, got {absent}; replace"
    ):
        embed(LetterEncoder(), contents, cache)


def test_text_is_kept_under_the_hash_of_its_utf8(cache: EmbeddingCache) -> None:
    result = embed(LetterEncoder(), ["café"], cache)
    key = hashlib.sha256("café".encode()).hexdigest()
    np.testing.assert_array_equal(cache.get_many("letters", [key])[key], result.vectors[0])
