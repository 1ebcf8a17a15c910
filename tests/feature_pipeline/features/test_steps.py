"""Steps of users between items: worked by hand, and against plain Python."""

import pandas as pd
from hypothesis import given

from feature_pipeline.features.steps import find_steps
from tests.event_tables import at, events, repeatable, to_interactions, walk, whole_numbers


def list_steps(*rows: tuple[int, int, int], reach: int = 1) -> list[tuple[int, ...]]:
    """Steps of events (user, item, time) in the order of their source."""
    user_id, item_id, event_time = zip(*rows, strict=True) if rows else ([], [], [])
    happened = whole_numbers(
        user_id=user_id, item_id=item_id, event_time=event_time, event_order=range(len(rows))
    )
    found = find_steps(happened, reach)
    assert list(found) == ["from_item", "item_id", "event_time", "steps_back"]
    assert found.dtypes.astype(str).tolist() == ["int64"] * 4
    return sorted(found.itertuples(index=False, name=None))


def test_goes_both_ways_between_an_event_and_the_next_of_the_same_user():
    # User 1 goes 5 -> 6 -> 5, user 2 only meets 7: no step leads from one user to the other.
    found = list_steps((1, 6, at(2)), (2, 7, at(0)), (1, 5, at(1)), (1, 5, at(3)))
    assert found == [(5, 6, at(2), 1), (5, 6, at(3), -1), (6, 5, at(2), -1), (6, 5, at(3), 1)]


def test_events_of_one_moment_follow_the_order_of_the_source():
    forward = [step for step in list_steps((1, 8, at(1)), (1, 6, at(1)), (1, 7, at(1))) if step[3] > 0]
    assert forward == [(6, 7, at(1), 1), (8, 6, at(1), 1)]


def test_a_return_to_the_same_item_is_a_step():
    assert list_steps((1, 5, at(1)), (1, 5, at(2))) == [(5, 5, at(2), -1), (5, 5, at(2), 1)]


def test_reaches_over_events_between():
    found = list_steps((1, 5, at(1)), (1, 6, at(2)), (1, 7, at(3)), reach=5)
    assert [step for step in found if abs(step[3]) == 2] == [(5, 7, at(3), 2), (7, 5, at(3), -2)]
    assert len(found) == 6


def test_without_steps():
    assert list_steps() == list_steps((1, 5, at(1)), (2, 5, at(2)), reach=2) == []


@repeatable(max_examples=15)
@given(events(max_size=30))
def test_equals_plain_python(happened: pd.DataFrame):
    found = find_steps(happened, 3)
    expected = [
        (int(left[1:]), int(reached[1:]), int(time.value // 1000), back)
        for left, reached, time, back in walk(to_interactions(happened), 3)
    ]
    expected += [(reached, left, time, -back) for left, reached, time, back in expected]
    assert sorted(found.itertuples(index=False, name=None)) == sorted(expected)
