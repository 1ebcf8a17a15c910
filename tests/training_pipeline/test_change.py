"""What a retrain tells of the difference, in words."""

from training_pipeline.change import render_change


def test_words() -> None:
    change = {
        "former": "0123456789ab",
        "events": [20146, 21146],
        "feedback": [{}, {"click": 700, "like": 300}],
        "NDCG@10": {
            "validation": [{"value": 0.2, "n": 300}, {"value": 0.25, "n": 400}],
            "test": [{"value": 0.171, "n": 285}, {"value": 0.18004, "n": 500}],
        },
        "overlap": {
            "with feedback": {"overlap@10": 0.314, "users": 100},
            "others": {"overlap@10": 0.75, "users": 20},
        },
    }
    assert render_change(change).splitlines() == [
        "Beside the former bundle 0123456789ab:",
        "  events learned  20,146 -> 21,146",
        "  of feedback     none -> 700 click, 300 like",
        "  NDCG@10         validation 0.2000 (300 queries) -> 0.2500 (400 queries); "
        "test 0.1710 (285 queries) -> 0.1800 (500 queries); each on its own queries",
        "  overlap@10      0.31 of 100 users with feedback, 0.75 of 20 others",
    ]


def test_where_nobody_is_of_a_group_or_nothing_was_measured() -> None:
    change = {"former": "a", "events": [1, 1], "feedback": [{}, {}], "NDCG@10": {}}
    groups = {
        "with feedback": {"overlap@10": None, "users": 0},
        "others": {"overlap@10": 1.0, "users": 3},
    }
    assert render_change(change | {"overlap": groups}).endswith("  overlap@10      1.00 of 3 others")
    assert render_change(change | {"overlap": None}).endswith("  overlap@10      not measured")
