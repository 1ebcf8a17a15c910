import json
from dataclasses import replace

import numpy as np
import pytest

from training_pipeline.evaluation.results import (
    MetricRow,
    build_comparisons,
    build_rows,
    read_metrics,
    render_differences,
    render_table,
    write_metrics,
)
from training_pipeline.evaluation.significance import Difference


def row(
    stage="retrieval", model="two-tower", segment="all", metric="NDCG@10", value=0.1234, split="test", n=6029
):
    return MetricRow(stage, model, split, segment, metric, value, value - 0.01, value + 0.01, n)


ROWS = [
    row("ranking", "CatBoost", value=0.1500),
    row("retrieval", "two-tower"),
    row("baseline", "popularity", value=0.0218),
    row("baseline", "popularity", metric="HR@10", value=0.0458),
    row("ranking", "CatBoost", segment="user:new", value=0.05, n=12),
    row("ranking", "CatBoost", split="validation", value=0.16),
]

DIFFERENCES = [
    Difference("CatBoost", "popularity", 0.1282, 0.12, 0.136, 3e-9),
    Difference("CatBoost", "two-tower <64>", -0.0012, -0.004, 0.0016, 0.4),
]


class TestMetricRow:
    @pytest.mark.parametrize("field", ["value", "low", "high"])
    def test_figures_that_are_not_finite_are_refused(self, field):
        with pytest.raises(ValueError, match=r"NDCG@10 of two-tower \(test, all\): expected finite"):
            replace(row(), **{field: float("nan")})

    @pytest.mark.parametrize(
        ("field", "names"), [("stage", "baseline, retrieval, ranking"), ("split", "test, valid")]
    )
    def test_unknown_names_are_refused(self, field, names):
        with pytest.raises(ValueError, match=f"{field}: expected one of {names}.*, got 'train'"):
            replace(row(), **{field: "train"})


class TestBuildRows:
    def test_means_with_intervals(self):
        rows = build_rows(
            {"MRR": np.array([0.0, 1.0]), "HR@5": np.ones(2)}, "retrieval", "a", "test", "all", seed=0
        )
        # Queries with 0 and 1: a quarter of the resamples average 0 and a quarter 1, so the interval is all.
        assert rows[0] == MetricRow("retrieval", "a", "test", "all", "MRR", 0.5, 0.0, 1.0, 2)
        assert rows[1] == MetricRow("retrieval", "a", "test", "all", "HR@5", 1.0, 1.0, 1.0, 2)

    def test_metrics_over_different_queries_are_refused(self):
        with pytest.raises(ValueError, match=r"over the same queries, got lengths \{'MRR': 2, 'HR@5': 3\}"):
            build_rows({"MRR": np.ones(2), "HR@5": np.ones(3)}, "retrieval", "a", "test", "all", seed=0)


class TestMetricsFile:
    def test_write_and_read_again(self, tmp_path):
        path = tmp_path / "metrics.json"
        write_metrics(ROWS, path)
        assert read_metrics(path) == ROWS

    def test_is_a_list_of_objects_with_the_contract_fields(self, tmp_path):
        path = tmp_path / "metrics.json"
        write_metrics(build_rows({"MRR": np.array([0.5])}, "baseline", "Ä", "test", "all", seed=0), path)
        assert json.loads(path.read_text(encoding="utf-8")) == [
            {"stage": "baseline", "model": "Ä", "split": "test", "segment": "all", "metric": "MRR"}
            | {"value": 0.5, "low": 0.5, "high": 0.5, "n": 1}
        ]

    @pytest.mark.parametrize("text", ["[{}]", '{"stage": 1}', "[", "[1]"])
    def test_other_content_is_refused(self, tmp_path, text):
        path = tmp_path / "metrics.json"
        path.write_text(text)
        with pytest.raises(
            ValueError, match=r"metrics.json: expected a JSON list of objects with stage, model"
        ):
            read_metrics(path)


class TestBuildComparisons:
    def test_order(self):
        order = [(comparison.split, comparison.segment) for comparison in build_comparisons(ROWS[::-1])]
        assert order == [("test", "all"), ("test", "user:new"), ("validation", "all")]

    def test_models_on_different_queries_are_refused(self):
        with pytest.raises(ValueError, match=r"rows of test, all: .* 0 repeats and \[12, 6029\] queries"):
            build_comparisons([row(), row(model="other", n=12)])

    def test_a_figure_given_twice_is_refused(self):
        with pytest.raises(ValueError, match=r"rows of test, all: .* got 1 repeats"):
            build_comparisons([row(), row(value=0.2)])


class TestRenderTable:
    def test_looks_like_this(self):
        assert render_table(ROWS, metrics=("NDCG@10", "HR@10")).splitlines() == [
            "test, all: 6,029 queries, 95 % intervals",
            "stage                 model       NDCG@10              HR@10",
            "baseline              popularity  .0218 [.0118,.0318]  .0458 [.0358,.0558]",
            "retrieval             two-tower   .1234 [.1134,.1334]  -",
            "ranking (end to end)  CatBoost    .1500 [.1400,.1600]  -",
        ]

    def test_all_comes_before_other_segments(self):
        headings = render_table(ROWS[::-1], segments=("user:new", "all")).split("\n\n")
        assert [heading.split(":")[0] for heading in headings] == ["test, all", "test, user"]

    def test_figure_without_interval_stands_alone(self):
        table = render_table(
            [MetricRow("retrieval", "a", "test", "all", "coverage", 1.0, 1.0, 1.0, 9)], metrics=["coverage"]
        )
        assert table.splitlines()[-1].split() == ["retrieval", "a", "1.0000"]


class TestRenderDifferences:
    def test_looks_like_this(self):
        assert render_differences(DIFFERENCES).splitlines() == [
            "NDCG@10 of CatBoost less that of each other, p of t-tests after Holm",
            "model           difference              p",
            "popularity      +.1282 [+.1200,+.1360]  < .0001",
            "two-tower <64>  -.0012 [-.0040,+.0016]  .4000",
        ]
