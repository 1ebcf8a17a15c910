"""The cache file: exact values, last use and pruning, earlier layouts, several processes at once."""

import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from feature_pipeline.embedding_cache import EmbeddingCache, EmbeddingCacheError, Pruned

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 1)
VECTOR = np.ones(2, np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "embeddings.sqlite")


def open_after(cache: EmbeddingCache, days: int) -> EmbeddingCache:
    return EmbeddingCache(cache.path, DAY + timedelta(days=days))


def test_prune_removes_what_was_not_used_for_so_many_days(tmp_path: Path) -> None:
    first = EmbeddingCache(tmp_path / "c.sqlite", DAY)
    first.put_many("e", {"written": VECTOR, "read": VECTOR, "old": VECTOR})
    open_after(first, 3).get_many("e", ["read", "absent"])
    open_after(first, 5).put_many("e", {"new": VECTOR, "written": VECTOR + 1})

    assert open_after(first, 30).prune(30).entries == 0
    assert open_after(first, 31).prune(30).entries == 2  # written and old, 31 days ago; read 28 days ago
    assert list(first.get_many("e", ["written", "read", "old", "new"])) == ["new", "read"]
    assert open_after(first, 5).prune(0).entries == 1


def test_reading_on_an_earlier_day_takes_no_use_back(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "c.sqlite", DAY)
    cache.put_many("e", {"k": VECTOR})
    open_after(cache, -10).get_many("e", ["k"])

    assert open_after(cache, 5).prune(6).entries == 0


def test_prune_gives_the_space_back(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "c.sqlite", DAY)
    cache.put_many("e", {f"key {i}": np.zeros(1000, np.float32) for i in range(100)})

    pruned = open_after(cache, 9).prune(8)

    assert pruned.entries == 100
    assert pruned.bytes > 100 * 4000
    assert cache.path.stat().st_size < 50_000
    assert open_after(cache, 9).prune(8) == Pruned(0, 0)


def test_a_dimension_is_kept(cache: EmbeddingCache) -> None:
    assert cache.get_dimension("e") is None
    cache.put_dimension("e", 7)
    cache.put_dimension("e", 7)
    assert EmbeddingCache(cache.path).get_dimension("e") == 7
    assert cache.get_dimension("other") is None


def test_a_file_of_the_first_layout_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path)
    columns = "encoder_id TEXT NOT NULL, content_sha256 TEXT NOT NULL, vector BLOB NOT NULL"
    connection.execute(f"CREATE TABLE embeddings ({columns}, PRIMARY KEY (encoder_id, content_sha256))")
    connection.execute("INSERT INTO embeddings VALUES ('e', 'k', ?)", (VECTOR.tobytes(),))
    connection.commit()
    connection.close()

    cache = EmbeddingCache(path, DAY)

    np.testing.assert_array_equal(cache.get_many("e", ["k"])["k"], VECTOR)
    cache.put_many("e", {"new": VECTOR})
    assert open_after(cache, 30).prune(30).entries == 0
    assert open_after(cache, 31).prune(30).entries == 2


def test_a_file_of_a_later_layout_is_refused(cache: EmbeddingCache) -> None:
    connection = sqlite3.connect(cache.path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()

    with pytest.raises(EmbeddingCacheError, match=r"sqlite: .*layout 9 of a later version.*delete the file"):
        EmbeddingCache(cache.path)


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
from feature_pipeline.embedding_cache import EmbeddingCache

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
