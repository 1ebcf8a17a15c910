"""Embedding what is new and keeping the rest: counts, equal bytes, killed runs, two processes at once."""

import hashlib
import subprocess
import sys
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
from feature_pipeline.embeddings import EmbeddingCache, EmbeddingCacheError, embed
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder

ROOT = Path(__file__).parents[2]


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


def test_real_texts_do_not_depend_on_the_cache(cache: EmbeddingCache) -> None:
    texts = ["a loud amplifier", "cable", "a very long description of a short cable", "cable"]
    first = embed(TextEncoder(), texts, cache)
    assert embed(TextEncoder(), texts, cache).vectors.tobytes() == first.vectors.tobytes()
    np.testing.assert_allclose(first.vectors, TextEncoder().encode(texts), atol=1e-6)


@pytest.mark.parametrize("absent", [float("nan"), 3])
def test_other_types_are_refused(cache: EmbeddingCache, absent: Any) -> None:
    contents: list[str | None] = ["cab", absent]
    with pytest.raises(
        TypeError, match=rf"contents\[1\]: expected str, bytes or None, got {absent}; replace"
    ):
        embed(LetterEncoder(), contents, cache)


def test_cache_keeps_float32_exactly_and_the_first_value(cache: EmbeddingCache) -> None:
    vector = np.array([1 / 3, -0.0, np.finfo(np.float32).tiny], np.float32)
    cache.put_many("e", {"k": vector})
    cache.put_many("e", {"k": vector + 1, "other": vector})
    found = cache.get_many("e", ["k", "absent"])
    assert list(found) == ["k"]
    assert found["k"].tobytes() == vector.tobytes()


def test_cache_reads_more_keys_than_one_query_holds(cache: EmbeddingCache) -> None:
    vectors = {f"key {i}": np.full(2, i, np.float32) for i in range(1201)}
    cache.put_many("e", vectors)
    found = cache.get_many("e", vectors)
    assert found.keys() == vectors.keys()
    np.testing.assert_array_equal(found["key 1200"], [1200, 1200])


def test_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be read as the header of one" * 20)
    with pytest.raises(
        EmbeddingCacheError, match=r"notes\.txt: expected an embedding cache.*delete the file"
    ):
        EmbeddingCache(path)
    assert path.read_text().startswith("not a database")


WRITER = """
import sys
from pathlib import Path
import numpy as np
from feature_pipeline.embeddings import EmbeddingCache

path, writer = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):  # each opens the file anew: creation is part of the race
    cache = EmbeddingCache(path)
    for i in range(number * 20, number * 20 + 20):
        cache.put_many("e", {f"own {writer} {i}": np.full(4, i, np.float32)})
        cache.put_many("e", {f"shared {i}": np.full(4, writer, np.float32)})
        assert f"shared {i}" in cache.get_many("e", [f"shared {i}"])
"""


def test_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.sqlite"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(i)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], errors

    cache = EmbeddingCache(path)
    own = {f"own {writer} {i}": i for writer in range(3) for i in range(200)}
    found = cache.get_many("e", own)
    assert {key: vector[0] for key, vector in found.items()} == own
    assert len(cache.get_many("e", [f"shared {i}" for i in range(200)])) == 200


def test_text_is_kept_under_the_hash_of_its_utf8(cache: EmbeddingCache) -> None:
    result = embed(LetterEncoder(), ["café"], cache)
    key = hashlib.sha256("café".encode()).hexdigest()
    np.testing.assert_array_equal(cache.get_many("letters", [key])[key], result.vectors[0])
