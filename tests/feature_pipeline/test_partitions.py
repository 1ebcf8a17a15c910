"""Months of interactions, and which of them still hold."""

import numpy as np
import pandas as pd

from feature_pipeline.partitions import count_unchanged, divide

TIMES = ["2024-01-31T23:59:59.999999", "2024-02-01", "2024-02-29", "2024-04-01"]
EVENTS = pd.DataFrame(
    {
        "user_id": ["a", "b", "a", "c"],
        "event_time": np.array(TIMES, "datetime64[us]"),
        "kinds": [["x"], [], ["y"], []],
    }
)


def fingerprint(events: pd.DataFrame, foundation: str = "f") -> dict[str, str]:
    return {partition.name: partition.fingerprint for partition in divide(events, foundation)}


def test_months_are_half_open_and_those_without_events_are_absent() -> None:
    found = [(partition.name, partition.rows) for partition in divide(EVENTS, "f")]

    assert found == [("2024-01", slice(0, 1)), ("2024-02", slice(1, 3)), ("2024-04", slice(3, 4))]


def test_a_fingerprint_depends_on_its_month_and_all_before_but_on_none_after() -> None:
    whole = fingerprint(EVENTS)
    changed = EVENTS.assign(user_id=["a", "b", "other", "c"])

    assert fingerprint(changed)["2024-01"] == whole["2024-01"]
    assert fingerprint(changed)["2024-02"] != whole["2024-02"]
    assert fingerprint(changed)["2024-04"] != whole["2024-04"]
    assert fingerprint(EVENTS.iloc[:3]) == {name: whole[name] for name in ("2024-01", "2024-02")}


def test_a_fingerprint_depends_on_how_features_are_computed() -> None:
    assert not set(fingerprint(EVENTS).values()) & set(fingerprint(EVENTS, "g").values())


def test_a_fingerprint_does_not_depend_on_what_else_lies_in_memory() -> None:
    twice = pd.concat([EVENTS, EVENTS]).iloc[:4]

    assert fingerprint(twice) == fingerprint(EVENTS)


def test_the_unchanged_are_counted_up_to_the_first_that_changed() -> None:
    partitions = divide(EVENTS, "f")
    same = fingerprint(EVENTS)

    assert count_unchanged(partitions, same) == 3
    assert count_unchanged(partitions, {}) == 0
    assert count_unchanged(partitions, same | {"2024-02": "other"}) == 1
    assert count_unchanged(partitions, {"2024-02": same["2024-02"]}) == 0
