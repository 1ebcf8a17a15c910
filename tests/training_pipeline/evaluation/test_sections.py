from training_pipeline.evaluation.results import MetricRow, build_comparisons
from training_pipeline.evaluation.sections import (
    Segment,
    choose_lines,
    find_test,
    group_segments,
    keep_ledgers,
    list_contenders,
    list_own,
    name_list_metrics,
    trace_curves,
)


def row(stage, model, value, metric="NDCG@10", segment="all", split="test", n=100):
    return MetricRow(stage, model, split, segment, metric, value, value, value, n)


TOWERS = row("retrieval", "two towers", 0.3)
MASKED = row("retrieval", "two towers, content hidden", 0.28)
RANKER = row("ranking", "catboost", 0.4)
BASELINES = [
    row("baseline", name, value) for name, value in [("a", 0.1), ("b", 0.25), ("c", 0.2), ("d", 0.15)]
]
ROWS = [*BASELINES, TOWERS, MASKED, RANKER]


def cold(of):
    return row(of.stage, of.model, of.value / 2, segment="item:cold", n=7)


def compare(*rows):
    return find_test(build_comparisons(rows))


class TestFindTest:
    def test_is_of_all_test_queries(self):
        validation = row("retrieval", "two towers", 0.5, split="validation")
        assert compare(validation, cold(TOWERS), TOWERS).list_figures("NDCG@10") == [TOWERS]

    def test_without_figures_it_has_no_models(self):
        assert list_contenders(compare()) == []
        assert trace_curves(compare()) == []


def test_masked_models_do_not_contend():
    assert list_contenders(compare(*ROWS)) == [*BASELINES, TOWERS, RANKER]


def test_own_models_are_neither_baselines_nor_masked():
    hit_rate = row("ranking", "catboost", 0.6, "HR@10")
    assert list_own(compare(*ROWS, hit_rate)) == [TOWERS, RANKER]
    assert list_own(compare(*ROWS, hit_rate), "HR@10") == [hit_rate]


def test_lines_follow_own_models_and_the_three_strongest_baselines():
    assert list(choose_lines(compare(*ROWS)).items()) == [
        (("ranking", "catboost"), "ranking"),
        (("retrieval", "two towers"), "retrieval"),
        (("baseline", "b"), "line-1"),
        (("baseline", "c"), "line-2"),
        (("baseline", "d"), "line-3"),
    ]


def test_curves_have_a_point_for_every_length_measured():
    curves = trace_curves(compare(TOWERS, MASKED, row("retrieval", "two towers", 0.7, "NDCG@100")))
    assert [(each.metric, each.lines) for each in curves] == [
        ("NDCG", {("retrieval", "two towers"): {10: 0.3, 100: 0.7}})
    ]
    assert curves[0].values == [0.3, 0.7]


class TestKeepLedgers:
    def test_one_for_all_queries_and_one_for_cold_items(self):
        other_segment = row("retrieval", "two towers", 0.3, segment="user:new")
        ledgers = keep_ledgers(build_comparisons([*ROWS, cold(TOWERS), cold(MASKED), other_segment]))
        assert [(each.segment, each.whole, each.masked) for each in ledgers] == [
            ("all", TOWERS, [MASKED]),
            ("item:cold", cold(TOWERS), [cold(MASKED)]),
        ]

    def test_without_masked_models_there_is_none(self):
        assert keep_ledgers(build_comparisons([*BASELINES, TOWERS, RANKER])) == []


class TestGroupSegments:
    def test_by_whom_they_are_about(self):
        new = row("ranking", "catboost", 0.1, segment="user:age: up to 25", n=9)
        validation = row("ranking", "catboost", 0.1, segment="user:new", split="validation")
        assert group_segments(build_comparisons([*ROWS, cold(RANKER), new, validation])) == {
            "Everyone": [Segment("all queries", [TOWERS, RANKER])],
            "Items": [Segment("cold", [cold(RANKER)])],
            "Users": [Segment("age: up to 25", [new])],
        }

    def test_everyone_alone_needs_no_groups(self):
        assert group_segments(build_comparisons(ROWS)) == {}


def test_list_metrics_are_named_in_their_order():
    names = ["novelty@10", "NDCG@10", "exposure of item:head@10", "Gini@10", "coverage@10"]
    rows = [row("baseline", "a", 0.5, name) for name in names]
    assert name_list_metrics(compare(*rows)) == [
        "coverage@10", "Gini@10", "novelty@10", "exposure of item:head@10"
    ]  # fmt: skip
