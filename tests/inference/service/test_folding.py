"""Which events count: by hand, and in any order the log may have them."""

from itertools import permutations

import numpy as np

from inference.service.folding import Folding
from tests.event_tables import at_date
from tests.inference.service.world import make_event

WEIGHTS = {"like": 1.0, "click": 0.5}
NEWEST = at_date("2024-04-10T00:00:00")


def count(*batches):
    """Ids of what counts after some batches."""
    folding = Folding(WEIGHTS, NEWEST)
    for batch in batches:
        folding.fold(batch)
    return sorted(folding.build_frame()["item_id"])


def test_weights_by_type():
    folding = Folding(WEIGHTS, NEWEST)
    like, click = make_event("a"), make_event("b", event_type="click")
    fresh, is_taken_back = folding.fold([like, click, make_event("c", event_type="impression")])
    assert (fresh, is_taken_back) == ([like, click], False)
    frame = folding.build_frame(fresh)
    assert frame["weight"].tolist() == [1.0, 0.5]
    assert frame["event_time"].tolist() == [np.datetime64("2024-05-01T12:00:00")] * 2
    assert list(frame.columns) == ["user_id", "item_id", "event_time", "weight"]


def test_only_after_the_newest():
    for time, counts in (("2024-04-10T00:00:00Z", 0), ("2024-04-10T00:00:00.000001Z", 1)):
        assert len(count([make_event("a", event_time=time)])) == counts


def test_nothing_is_an_empty_frame():
    assert Folding(WEIGHTS, NEWEST).build_frame().empty


def test_an_undo_in_any_place_and_any_batch():
    like, other = make_event("a"), make_event("b", item_id="item-38")
    undo = make_event("c", event_type="undo", undoes="a")
    for first, second, third in permutations([like, other, undo]):
        for batches in ([[first, second, third]], [[first], [second], [third]], [[first, second], [third]]):
            assert count(*batches) == ["item-38"]


def test_taken_back_is_told_only_of_what_counted():
    folding = Folding(WEIGHTS, NEWEST)
    folding.fold([make_event("a")])
    assert folding.fold([make_event("b", event_type="undo", undoes="x")]) == ([], False)
    assert folding.fold([make_event("c", event_type="undo", undoes="a")]) == ([], True)
    assert folding.fold([make_event("d", event_type="undo", undoes="a")]) == ([], False)


def test_nobody_takes_back_what_another_did():
    undo = make_event("b", user_id="user-02", event_type="undo", undoes="a")
    assert count([make_event("a"), undo]) == ["item-39"]


def test_an_undo_cannot_be_undone():
    undo = make_event("b", event_type="undo", undoes="a")
    assert count([make_event("a")], [undo], [make_event("c", event_type="undo", undoes="b")]) == []
