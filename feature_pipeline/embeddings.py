"""Embeddings of text and images: encode what is new, keep the rest."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from tqdm import tqdm

from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.encoders import ContentError, Encoder

Content = TypeVar("Content", str, bytes)
Value = TypeVar("Value")

# Contents encoded between two writes: at most this much work is lost when a run is killed.
CHUNK_SIZE = 256
# Image files held in memory at once.
FILES_AT_ONCE = 64

ABSENT_FILE = "no such file, or no right to read it"


@dataclass(frozen=True)
class EmbeddingResult:
    """What became of the contents given to `embed`.

    Attributes:
        vectors: `[n, dimension]` float32 rows of length one in the contents' order; zero where missing.
        missing: `[n]` bool, True where there was no content or it could not be encoded.
        encoded: distinct contents encoded in this run.
        reused: distinct contents found in the cache.
        failures: reason by position, for each content that could not be read or encoded.
    """

    vectors: np.ndarray
    missing: np.ndarray
    encoded: int
    reused: int
    failures: dict[int, str]


def embed(
    encoder: Encoder[Content], contents: Sequence[Content | None], cache: EmbeddingCache
) -> EmbeddingResult:
    """Embed contents, encoding each distinct one at most once and only if the cache lacks it.

    Results are read back from the cache, so an embedding is the same to the last bit whether this run, an
    earlier one or another process computed it.

    Args:
        encoder: a text encoder for strings, an image encoder for bytes.
        contents: texts or image files; None, an empty and a blank text are missing.
        cache: where embeddings are looked up and kept, `CHUNK_SIZE` at a time.

    Returns:
        One row for each content, with what was encoded, reused and failed. Failures are not cached.

    Raises:
        TypeError: a content is neither str, bytes nor None. Replace missing values such as NaN by None.
        EmbeddingCacheError: the cache cannot be read or written.
    """
    keys = [_content_key(i, content) for i, content in enumerate(contents)]
    distinct = {
        key: content
        for key, content in zip(keys, contents, strict=True)
        if key is not None and content is not None
    }
    run = _Run(encoder, cache)
    new = run.look_up(distinct)
    # Like lengths together, so that a chunk of texts is padded little; the longest first, so that a lack of
    # memory shows at once.
    order = sorted(new, key=lambda key: (-len(new[key]), key))
    with _show_progress(encoder.id, len(order)) as progress:
        for chunk in _chunks(order, CHUNK_SIZE):
            run.encode({key: new[key] for key in chunk})
            progress.update(len(chunk))
    return run.build_result(keys)


def embed_files(
    encoder: Encoder[bytes], paths: Sequence[Path | None], cache: EmbeddingCache
) -> EmbeddingResult:
    """Embeds files as `embed` does their contents, holding few of them in memory at once.

    Args:
        encoder: an image encoder.
        paths: None is missing. A path that stands several times is read once.
        cache: where embeddings are looked up and kept, `FILES_AT_ONCE` at a time.

    Returns:
        One row for each path; `failures` names those that are absent as `ABSENT_FILE`.

    Raises:
        EmbeddingCacheError: the cache cannot be read or written.
    """
    run = _Run(encoder, cache)
    key_of: dict[Path, str] = {}
    distinct = list(dict.fromkeys(path for path in paths if path is not None))
    with _show_progress(encoder.id, len(distinct)) as progress:
        for chunk in _chunks(distinct, FILES_AT_ONCE):
            contents = {path: data for path in chunk if (data := _read_bytes(path)) is not None}
            keys = {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}
            key_of |= keys
            run.encode(run.look_up({keys[path]: data for path, data in contents.items()}))
            progress.update(len(chunk))
    result = run.build_result([key_of.get(path) if path else None for path in paths])
    absent = {i: ABSENT_FILE for i, path in enumerate(paths) if path is not None and path not in key_of}
    return replace(result, failures=absent | result.failures)


class _Run(Generic[Content]):
    """One column's way through cache and encoder.

    Attributes:
        known: embedding by key of what was found or made.
        reasons: by key, for what could not be encoded.
    """

    def __init__(self, encoder: Encoder[Content], cache: EmbeddingCache) -> None:
        self.encoder: Encoder[Content] = encoder
        self.cache = cache
        self.known: dict[str, np.ndarray] = {}
        self.reasons: dict[str, str] = {}
        self.encoded = self.reused = 0

    def look_up(self, contents: dict[str, Content]) -> dict[str, Content]:
        """Fetches what the cache has, and returns the rest."""
        asked = [key for key in contents if key not in self.known and key not in self.reasons]
        found = self.cache.get_many(self.encoder.id, asked)
        self.known |= found
        self.reused += len(found)
        return {key: contents[key] for key in asked if key not in found}

    def encode(self, new: dict[str, Content]) -> None:
        """Encodes new contents and keeps them in the cache."""
        if not new:
            return
        vectors, failures = _encode_readable(self.encoder, list(new.values()))
        keys = list(new)
        self.reasons |= {keys[i]: reason for i, reason in failures.items()}
        readable = [key for key in keys if key not in self.reasons]
        self.cache.put_many(self.encoder.id, dict(zip(readable, vectors, strict=True)))
        # Another process may have been quicker: what was stored first counts.
        self.known |= self.cache.get_many(self.encoder.id, readable)
        self.encoded += len(readable)

    def build_result(self, keys: list[str | None]) -> EmbeddingResult:
        """One row for each key."""
        vectors = np.zeros((len(keys), self._find_dimension()), np.float32)
        for row, key in zip(vectors, keys, strict=True):
            if key in self.known:
                row[:] = self.known[key]
        missing = np.array([key not in self.known for key in keys], dtype=bool)
        failures = {i: self.reasons[key] for i, key in enumerate(keys) if key in self.reasons}
        return EmbeddingResult(vectors, missing, self.encoded, self.reused, failures)

    def _find_dimension(self) -> int:
        if self.known:
            return len(next(iter(self.known.values())))
        # Asking an encoder for its dimension may load a model: once is enough.
        dimension = self.cache.get_dimension(self.encoder.id)
        if dimension is None:
            dimension = self.encoder.dimension
            self.cache.put_dimension(self.encoder.id, dimension)
        return dimension


def _encode_readable(encoder: Encoder[Content], contents: list[Content]) -> tuple[np.ndarray, dict[int, str]]:
    try:
        return encoder.encode(contents), {}
    except ContentError as error:
        readable = [content for i, content in enumerate(contents) if i not in error.failures]
        vectors = encoder.encode(readable) if readable else np.empty((0, 0), np.float32)
        return vectors, error.failures


def _content_key(position: int, content: str | bytes | None) -> str | None:
    """SHA-256 in hexadecimal, of UTF-8 where the content is text; None where there is no content."""
    if content is None or (isinstance(content, str) and not content.strip()):
        return None
    if isinstance(content, str):
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    raise TypeError(
        f"contents[{position}]: expected str, bytes or None, got {content!r}; replace missing values by None"
    )


def _read_bytes(path: Path) -> bytes | None:
    """The file's bytes; None where no such file can be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):  # a path with a null character is a ValueError
        return None


def _show_progress(name: str, total: int) -> tqdm:
    silent = True if total <= CHUNK_SIZE else None
    return tqdm(total=total, desc=name, unit=" contents", disable=silent)


def _chunks(values: list[Value], size: int) -> Iterator[list[Value]]:
    return (values[i : i + size] for i in range(0, len(values), size))
