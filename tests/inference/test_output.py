"""What is printed and what is written, character by character."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inference.output import render_json, render_table, write_batch

UNKNOWN = np.float32("nan")


def make_recommendations(users: tuple[str, ...] = ("007",)) -> pd.DataFrame:
    """Two recommendations for each user, with the dtypes that the recommender gives."""
    count = len(users)
    return pd.DataFrame(
        {
            "user_id": np.repeat(users, 2),
            "item_id": ["a", "b"] * count,
            "title": ["Łódź, été", ""] * count,
            "rank": np.array([1, 2] * count),
            "retrieval_score": np.array([0.5, 0.1] * count, np.float32),
            "ranking_score": np.array([2.25, -1.0] * count, np.float32),
            "chance": np.array([0.125, 0.0009] * count, np.float32),
            "reasons": [["popular", "year"], []] * count,
        }
    )


class TestTable:
    def test_columns_are_aligned_and_a_missing_title_is_the_id(self):
        assert render_table(make_recommendations()).splitlines() == [
            "rank  title      retrieval  ranking  chance  reasons",
            "1     Łódź, été  0.500      2.250    12.5%   popular; year",
            "2     b          0.100      -1.000   0.1%",
        ]

    def test_an_unknown_chance_is_left_blank(self):
        assert render_table(make_recommendations().assign(chance=UNKNOWN)).splitlines() == [
            "rank  title      retrieval  ranking  chance  reasons",
            "1     Łódź, été  0.500      2.250            popular; year",
            "2     b          0.100      -1.000",
        ]

    def test_long_titles_are_cut(self):
        frame = make_recommendations().assign(title=["x" * 40, "y" * 41])
        titles = [line.split()[1] for line in render_table(frame).splitlines()[1:]]
        assert titles == ["x" * 40, "y" * 39 + "…"]

    def test_nothing_to_recommend(self):
        assert render_table(make_recommendations()[:0]) == "rank  title  retrieval  ranking  chance  reasons"


class TestJson:
    def test_exact_text(self):
        scores, chances = (np.array(pair, np.float32) for pair in ([0.5, 0.25], [0.125, 0.0]))
        frame = make_recommendations().assign(retrieval_score=scores, chance=chances)
        assert render_json("007", "abc", frame) == (
            '{"user_id": "007", "bundle": "abc", "recommendations": ['
            '{"item_id": "a", "title": "Łódź, été", "rank": 1, "retrieval_score": 0.5, '
            '"ranking_score": 2.25, "chance": 0.125, "reasons": ["popular", "year"]}, '
            '{"item_id": "b", "title": "", "rank": 2, "retrieval_score": 0.25, '
            '"ranking_score": -1.0, "chance": 0.0, "reasons": []}]}'
        )

    def test_an_unknown_chance_is_left_out(self):
        answer = json.loads(render_json("007", "abc", make_recommendations().assign(chance=UNKNOWN)))
        known = ["item_id", "title", "rank", "retrieval_score", "ranking_score", "reasons"]
        assert [list(row) for row in answer["recommendations"]] == [known, known]

    def test_numbers_come_back_as_they_were(self):
        answer = json.loads(render_json("007", "abc", make_recommendations()))
        assert np.float32(answer["recommendations"][1]["retrieval_score"]) == np.float32(0.1)

    def test_no_recommendation(self):
        assert json.loads(render_json("007", "abc", make_recommendations()[:0]))["recommendations"] == []

    def test_not_a_number_is_refused(self):
        with pytest.raises(ValueError, match="not JSON compliant"):
            render_json("007", "abc", make_recommendations().assign(ranking_score=np.float32("nan")))


class TestBatch:
    def test_columns_types_and_rows(self, tmp_path):
        blocks = [make_recommendations(("007", "a b")), make_recommendations(("1e3",))]
        path = tmp_path / "new folder" / "all.parquet"
        assert write_batch(blocks, path) == 6
        table = pq.read_table(path)
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
        assert table["user_id"].to_pylist() == ["007", "007", "a b", "a b", "1e3", "1e3"]
        assert table["rank"].to_pylist() == [1, 2] * 3
        assert table["ranking_score"].to_pylist() == [2.25, -1.0] * 3
        np.testing.assert_array_equal(table["chance"], np.array([0.125, 0.0009] * 3, np.float32))

    def test_blocks_are_consumed_one_by_one(self, tmp_path):
        alive = []

        def produce():
            for _ in range(3):
                alive.append(len(list(tmp_path.iterdir())))
                yield make_recommendations()

        write_batch(produce(), tmp_path / "all.parquet")
        assert alive == [1, 1, 1]  # the file was open before the first block was asked for

    def test_failure_leaves_nothing(self, tmp_path):
        with pytest.raises(RuntimeError, match="out of luck"):
            write_batch(fail_after_one(), tmp_path / "all.parquet")
        assert list(tmp_path.iterdir()) == []

    def test_failure_leaves_the_older_file(self, tmp_path):
        path = tmp_path / "all.parquet"
        write_batch([make_recommendations()], path)
        older = path.read_bytes()
        with pytest.raises(RuntimeError, match="out of luck"):
            write_batch(fail_after_one(), path)
        assert [file.name for file in tmp_path.iterdir()] == ["all.parquet"]
        assert path.read_bytes() == older


def fail_after_one():
    yield make_recommendations()
    raise RuntimeError("out of luck")
