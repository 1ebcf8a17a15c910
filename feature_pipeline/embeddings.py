"""Embeddings of text and images: encode what is new, keep the rest.

An embedding is kept under its encoder and the SHA-256 of its content, so that it is found again whichever
item, table or data set the content stands in, and is never found for content that has changed.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from feature_pipeline.encoders import ContentError, Encoder
from feature_pipeline.errors import UserError

Content = TypeVar("Content", str, bytes)

# Contents encoded between two writes: at most this much work is lost when a run is killed.
CHUNK_SIZE = 256

_BUSY_SECONDS = 60.0
_KEYS_PER_QUERY = 500  # SQLite builds allow at least 999 parameters
_LITTLE_ENDIAN_FLOAT32 = np.dtype("<f4")

_CREATE = """
    CREATE TABLE IF NOT EXISTS embeddings (
        encoder_id TEXT NOT NULL,
        content_sha256 TEXT NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (encoder_id, content_sha256)
    )
"""


class EmbeddingCacheError(UserError):
    """The cache file cannot be read or written; the message says what to do."""


@dataclass(frozen=True)
class EmbeddingResult:
    """What became of the contents given to `embed`.

    Attributes:
        vectors: `[n, dimension]` float32 rows of length one in the contents' order; zero where missing.
        missing: `[n]` bool, True where there was no content or it could not be encoded.
        encoded: distinct contents encoded in this run.
        reused: distinct contents found in the cache.
        failures: reason by position, for each content that could not be encoded.
    """

    vectors: np.ndarray
    missing: np.ndarray
    encoded: int
    reused: int
    failures: dict[int, str]


class EmbeddingCache:
    """Embeddings by encoder and content, in one SQLite file that several processes may use at once.

    Only a cache: the file can be deleted at any time. It must lie on a local disk, since SQLite's write-ahead
    log needs memory shared by all its users.

    Args:
        path: the file; it is created, with its directory, where it does not exist.

    Raises:
        EmbeddingCacheError: the file is not a database or cannot be written. Delete it or name another.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            _set_up(connection)

    def get_many(self, encoder_id: str, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """Read the embeddings that are there.

        Args:
            encoder_id: `Encoder.id` of the encoder that made them.
            keys: SHA-256 of contents, in hexadecimal.

        Returns:
            `[dimension]` float32 embedding by key; keys that are not in the cache are left out.

        Raises:
            EmbeddingCacheError: the file cannot be read.
        """
        wanted = list(keys)
        found: dict[str, np.ndarray] = {}
        with self._connection() as connection:
            for chunk in _chunks(wanted, _KEYS_PER_QUERY):
                rows = connection.execute(
                    "SELECT content_sha256, vector FROM embeddings WHERE encoder_id = ? "
                    f"AND content_sha256 IN ({', '.join('?' * len(chunk))})",
                    (encoder_id, *chunk),
                )
                found.update((key, _from_blob(blob)) for key, blob in rows)
        return found

    def put_many(self, encoder_id: str, vectors: Mapping[str, np.ndarray]) -> None:
        """Write embeddings, all or none; those already in the cache stay as they are.

        Args:
            encoder_id: `Encoder.id` of the encoder that made them.
            vectors: `[dimension]` float32 embedding by SHA-256 of the content, in hexadecimal.

        Raises:
            EmbeddingCacheError: the file cannot be written.
        """
        rows = [(encoder_id, key, _to_blob(vector)) for key, vector in vectors.items()]
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?)", rows)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One connection a call: nothing to close, and nothing for threads or forked processes to share.
        connection = None
        try:
            connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level="IMMEDIATE")
            yield connection
        except sqlite3.DatabaseError as error:
            raise EmbeddingCacheError(
                f"{self.path}: expected an embedding cache that can be read and written, got: {error}. Check "
                "permissions and free space, or delete the file: its embeddings are then computed again."
            ) from error
        finally:
            if connection is not None:
                connection.close()


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
    known = cache.get_many(encoder.id, distinct)
    new = {key: content for key, content in distinct.items() if key not in known}
    reasons = _encode_into(cache, encoder, new)
    made = cache.get_many(encoder.id, new.keys() - reasons.keys())
    vectors, missing = _rows(keys, known | made, encoder)
    return EmbeddingResult(
        vectors=vectors,
        missing=missing,
        encoded=len(made),
        reused=len(known),
        failures={i: reasons[key] for i, key in enumerate(keys) if key in reasons},
    )


def _encode_into(cache: EmbeddingCache, encoder: Encoder[Content], new: dict[str, Content]) -> dict[str, str]:
    """Encode and cache chunk by chunk; returns the reason by key for what could not be encoded."""
    reasons: dict[str, str] = {}
    # Like lengths together, so that a chunk of texts is padded little; the longest first, so that a lack of
    # memory shows at once.
    keys = sorted(new, key=lambda key: (-len(new[key]), key))
    silent = True if len(keys) <= CHUNK_SIZE else None
    with tqdm(total=len(keys), desc=encoder.id, unit=" contents", disable=silent) as progress:
        for chunk in _chunks(keys, CHUNK_SIZE):
            vectors, failures = _encode_readable(encoder, [new[key] for key in chunk])
            reasons |= {chunk[i]: reason for i, reason in failures.items()}
            readable = [key for key in chunk if key not in reasons]
            cache.put_many(encoder.id, dict(zip(readable, vectors, strict=True)))
            progress.update(len(chunk))
    return reasons


def _encode_readable(encoder: Encoder[Content], contents: list[Content]) -> tuple[np.ndarray, dict[int, str]]:
    try:
        return encoder.encode(contents), {}
    except ContentError as error:
        readable = [content for i, content in enumerate(contents) if i not in error.failures]
        return encoder.encode(readable), error.failures


def _rows(
    keys: list[str | None], known: dict[str, np.ndarray], encoder: Encoder[Content]
) -> tuple[np.ndarray, np.ndarray]:
    missing = np.array([key not in known for key in keys], dtype=bool)
    # Asking an encoder for its dimension may load a model, which a run without new content need not do.
    dimension = len(next(iter(known.values()))) if known else encoder.dimension
    vectors = np.zeros((len(keys), dimension), np.float32)
    for row, key in zip(vectors, keys, strict=True):
        if key in known:
            row[:] = known[key]
    return vectors, missing


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


def _set_up(connection: sqlite3.Connection) -> None:
    # Processes that switch a new file to the write-ahead log together can deadlock, and SQLite then refuses
    # one of them at once instead of waiting.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_CREATE)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _chunks(keys: list[str], size: int) -> Iterator[list[str]]:
    return (keys[i : i + size] for i in range(0, len(keys), size))


def _to_blob(vector: np.ndarray) -> bytes:
    return np.asarray(vector, _LITTLE_ENDIAN_FLOAT32).tobytes()


def _from_blob(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, _LITTLE_ENDIAN_FLOAT32).astype(np.float32)
