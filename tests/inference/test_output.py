"""What is printed and what is written, character by character."""

import json

import numpy as np
import pandas as pd
import pytest

from inference.output import render_json, render_table

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
