"""Everybody's recommendations in one file: whole, or to be gone on with."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inference import batch
from inference.batch import write_all
from inference.recommender import Recommender


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "BLOCK", 8)


def count_calls(recommender: Recommender, monkeypatch: pytest.MonkeyPatch, fail_at: int = -1) -> list[int]:
    """Notes how many users each call is for, and fails at one of them."""
    calls: list[int] = []
    real = recommender.recommend

    def recommend(user_ids, *arguments):
        if len(calls) == fail_at:
            raise RuntimeError("out of luck")
        calls.append(len(user_ids))
        return real(user_ids, *arguments)

    monkeypatch.setattr(recommender, "recommend", recommend)
    return calls


def test_columns_types_and_everybody_in_order(recommender, bundle, tmp_path: Path):
    out = tmp_path / "new folder" / "all.parquet"
    users = list(bundle.tables.users["user_id"])
    assert write_all(recommender, 3, out) == 3 * len(users)
    table = pq.read_table(out)
    assert table.schema == pa.schema(
        {
            "user_id": pa.string(),
            "item_id": pa.string(),
            "rank": pa.int32(),
            "retrieval_score": pa.float32(),
            "ranking_score": pa.float32(),
            "chance": pa.float32(),
        }
    )
    expected = recommender.recommend(users, 3)
    frame = table.to_pandas()
    for name in ("user_id", "item_id"):
        assert frame[name].tolist() == expected[name].tolist()
    pd.testing.assert_series_equal(frame["ranking_score"], expected["ranking_score"], rtol=1e-5)
    assert [place.name for place in out.parent.iterdir()] == ["all.parquet"]


def test_goes_on_where_it_was_stopped(recommender, bundle, tmp_path: Path, monkeypatch):
    out = tmp_path / "all.parquet"
    blocks = -(-len(bundle.tables.users) // 8)
    with monkeypatch.context() as patch:
        assert blocks > 2
        first = count_calls(recommender, patch, fail_at=2)
        with pytest.raises(RuntimeError, match="out of luck"):
            write_all(recommender, 3, out)
        assert len(first) == 2
        assert not out.exists()
    with monkeypatch.context() as patch:
        second = count_calls(recommender, patch)
        write_all(recommender, 3, out)
        assert len(second) == blocks - 2
    again = tmp_path / "again.parquet"
    write_all(recommender, 3, again)
    assert pq.read_table(out).equals(pq.read_table(again))


def test_another_k_begins_anew(recommender, tmp_path: Path, monkeypatch):
    out = tmp_path / "all.parquet"
    with monkeypatch.context() as patch:
        count_calls(recommender, patch, fail_at=1)
        with pytest.raises(RuntimeError, match="out of luck"):
            write_all(recommender, 3, out)
    write_all(recommender, 2, out)
    assert pq.read_table(out)["rank"].to_pylist()[:3] == [1, 2, 1]


def test_failure_leaves_the_older_file(recommender, tmp_path: Path, monkeypatch):
    out = tmp_path / "all.parquet"
    write_all(recommender, 2, out)
    older = out.read_bytes()
    with monkeypatch.context() as patch:
        count_calls(recommender, patch, fail_at=1)
        with pytest.raises(RuntimeError, match="out of luck"):
            write_all(recommender, 3, out)
    assert out.read_bytes() == older
