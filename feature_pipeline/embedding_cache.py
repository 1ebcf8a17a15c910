"""The file that keeps embeddings from run to run, found by encoder and content.

An embedding is kept under its encoder and the SHA-256 of its content, so that it is found again whichever
item, table or data set the content stands in, and is never found for content that has changed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from feature_pipeline.busy import BUSY_SECONDS
from feature_pipeline.embedding_layout import bring_up_to_date
from feature_pipeline.errors import UserError

_KEYS_PER_QUERY = 500  # SQLite builds allow at least 999 parameters
_LITTLE_ENDIAN_FLOAT32 = np.dtype("<f4")


def find_cache(artifacts: Path) -> Path:
    """Where the embedding cache of all data sets lies."""
    return artifacts / "cache" / "embeddings.sqlite"


class EmbeddingCacheError(UserError):
    """The cache file cannot be read or written; the message says what to do."""


@dataclass(frozen=True)
class Pruned:
    """What `EmbeddingCache.prune` removed: entries, and the bytes by which the file shrank."""

    entries: int
    bytes: int


class EmbeddingCache:
    """Embeddings by encoder and content, in one SQLite file that several processes may use at once.

    Only a cache: the file can be deleted at any time. It must lie on a local disk, since SQLite's write-ahead
    log needs memory shared by all its users.

    Args:
        path: the file; it is created, with its directory, where it does not exist.
        today: the day that counts as the last use of what is read or written; by default the present one.

    Raises:
        EmbeddingCacheError: the file is not a database or cannot be written. Delete it or name another.
    """

    def __init__(self, path: Path, today: date | None = None) -> None:
        self.path = Path(path)
        self._today = (today or date.today()).toordinal()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            bring_up_to_date(connection, self._today)

    def get_many(self, encoder_id: str, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """Read the embeddings that are there, and note that they were used today.

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
            for start in range(0, len(wanted), _KEYS_PER_QUERY):
                chunk = wanted[start : start + _KEYS_PER_QUERY]
                places = (
                    f"WHERE encoder_id = ? AND content_sha256 IN ({', '.join('?' * len(chunk))})",
                    (encoder_id, *chunk),
                )
                query = f"SELECT content_sha256, vector, used_day FROM embeddings {places[0]}"
                rows = connection.execute(query, places[1]).fetchall()
                found.update((key, _from_blob(blob)) for key, blob, _ in rows)
                if any(day < self._today for *_, day in rows):  # once a day, as writers wait for each other
                    with connection:
                        connection.execute(
                            f"UPDATE embeddings SET used_day = {self._today} {places[0]}", places[1]
                        )
        return found

    def put_many(self, encoder_id: str, vectors: Mapping[str, np.ndarray]) -> None:
        """Write embeddings, all or none; those already in the cache stay as they are.

        Args:
            encoder_id: `Encoder.id` of the encoder that made them.
            vectors: `[dimension]` float32 embedding by SHA-256 of the content, in hexadecimal.

        Raises:
            EmbeddingCacheError: the file cannot be written.
        """
        rows = [(encoder_id, key, _to_blob(vector), self._today) for key, vector in vectors.items()]
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?, ?)", rows)

    def get_dimension(self, encoder_id: str) -> int | None:
        """Length of the encoder's embeddings where it was ever told, so that no model need be loaded."""
        with self._connection() as connection:
            query = "SELECT dimension FROM encoders WHERE encoder_id = ?"
            row = connection.execute(query, (encoder_id,)).fetchone()
        return row[0] if row else None

    def put_dimension(self, encoder_id: str, dimension: int) -> None:
        """Keeps the length of the encoder's embeddings."""
        with self._connection() as connection, connection:
            connection.execute("INSERT OR IGNORE INTO encoders VALUES (?, ?)", (encoder_id, dimension))

    def prune(self, days: int) -> Pruned:
        """Removes what no run has read or written for more than `days` days, and gives the space back.

        Args:
            days: 0 keeps what was used today.

        Raises:
            EmbeddingCacheError: the file cannot be written, or another run does not let go of it.
        """
        before = self._count_bytes()
        with self._connection() as connection:
            with connection:
                old = (self._today - days,)
                entries = connection.execute("DELETE FROM embeddings WHERE used_day < ?", old).rowcount
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Pruned(entries, max(0, before - self._count_bytes()))

    def _count_bytes(self) -> int:
        parts = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One connection a call: nothing to close, and nothing for threads or forked processes to share.
        try:
            opened = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level="IMMEDIATE")
            with closing(opened) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise EmbeddingCacheError(
                f"{self.path}: expected an embedding cache that can be read and written, got: {error}. Check "
                "permissions and free space, or delete the file: its embeddings are then computed again."
            ) from error


def _to_blob(vector: np.ndarray) -> bytes:
    return np.asarray(vector, _LITTLE_ENDIAN_FLOAT32).tobytes()


def _from_blob(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, _LITTLE_ENDIAN_FLOAT32).astype(np.float32)
