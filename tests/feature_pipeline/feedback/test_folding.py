"""Which events count: by hand, in any order the log may have them, and on both sides of any cut."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.feedback.folding import Folding
from feature_pipeline.feedback.record import HeldEvents
from tests.event_tables import repeatable
from tests.feature_pipeline.events.invented import make_event

TYPES = ("like", "click")


def count(*batches, provenance=("human",), held=None):
    """Ids of what counts after some batches."""
    folding, number = Folding(TYPES, provenance, held), 0
    for batch in batches:
        folding.fold(enumerate(batch, number + 1))
        number += len(batch)
    return sorted(folding.build_frame()["item_id"])


def undo(event_id, undoes, **changes):
    return make_event(event_id, event_type="undo", undoes=undoes, **changes)


def test_types_that_count():
    folding = Folding(TYPES, ["human"])
    click, like = (1, make_event("a")), (2, make_event("b", event_type="like"))
    fresh, is_taken_back = folding.fold([click, like, (3, make_event("c", event_type="impression"))])
    assert (fresh, is_taken_back) == ([click, like], False)
    frame = folding.build_frame(fresh)
    assert frame["event_type"].tolist() == ["click", "like"]
    assert frame["sequence"].tolist() == [1, 2]
    assert frame["event_time"].tolist() == [np.datetime64("2024-05-01T12:00:00.123456")] * 2
    assert list(frame) == ["user_id", "item_id", "event_time", "event_type", "sequence"]


def test_provenance_that_counts():
    events = [make_event(p, provenance=p, item_id=p) for p in ("human", "simulated", "imported")]
    assert count(events) == ["human"]
    assert count(events, provenance=("simulated", "imported")) == ["imported", "simulated"]


def test_an_undo_counts_whoever_sends_it():
    assert count([make_event("a"), undo("b", "a", provenance="imported")]) == []


def test_what_a_store_holds_counts_there():
    held = HeldEvents(2, frozenset(["ann"]), frozenset(["cup"]))
    known, strange = make_event("a"), make_event("b", user_id="bob")
    assert count([known, strange, make_event("c")], held=held) == ["cup", "cup"]


def test_nothing_is_an_empty_frame():
    assert Folding(TYPES, ["human"]).build_frame().empty


def test_an_undo_in_any_place_and_any_batch():
    like, other = make_event("a"), make_event("b", item_id="pot")
    for first, second, third in permutations([like, other, undo("c", "a")]):
        for batches in ([[first, second, third]], [[first], [second], [third]], [[first, second], [third]]):
            assert count(*batches) == ["pot"]


def test_taken_back_is_told_only_of_what_counted():
    folding = Folding(TYPES, ["human"])
    folding.fold([(1, make_event("a"))])
    assert folding.fold([(2, undo("b", "x"))]) == ([], False)
    assert folding.fold([(3, undo("c", "a"))]) == ([], True)
    assert folding.fold([(4, undo("d", "a"))]) == ([], False)


def test_nobody_takes_back_what_another_did():
    assert count([make_event("a"), undo("b", "a", user_id="bob")]) == ["cup"]


def test_an_undo_cannot_be_undone():
    assert count([make_event("a")], [undo("b", "a")], [undo("c", "b")]) == []


@st.composite
def logs(draw):
    """Events of two users with undos of earlier and later ones; each event has an item of its own."""
    size = draw(st.integers(0, 12))
    events = []
    for number in range(size):
        kind = draw(st.sampled_from(["like", "click", "impression", "undo"]))
        changes = {"user_id": draw(st.sampled_from(["ann", "bob"])), "item_id": f"item-{number}"}
        if kind == "undo":
            changes["undoes"] = str(draw(st.integers(0, size).filter(lambda other, own=number: other != own)))
        events.append(make_event(number, event_type=kind, **changes))
    return list(enumerate(events, 1))


@repeatable(max_examples=300)
@given(log=logs(), cut=st.integers(0, 12), step=st.integers(1, 12), known=st.sampled_from(["ann", "bob"]))
def test_each_event_counts_once_wherever_the_log_is_cut(log, cut, step, known):
    """In the store or live: what the whole log counts, and what was undone only after the cut.

    That stays in the store until the next build reads the undo. One user may be unknown to the store: then
    the user's events lie in quarantine, and count live.
    """
    folded = Folding(TYPES, ["human"])
    folded.fold(log[:cut])
    users, items = frozenset([known]), frozenset(event.item_id for _, event in log)
    store = folded.build_frame().loc[lambda frame: frame["user_id"].isin(users)]

    last = log[:cut][-1][0] if log[:cut] else 0
    live = Folding(TYPES, ["human"], HeldEvents(last, users, items))
    for start in range(0, len(log), step):
        live.fold(log[start : start + step])

    whole = Folding(TYPES, ["human"])
    whole.fold(log)
    undone_later = {
        undone.item_id
        for _, undone in log[:cut]
        for _, event in log[cut:]
        if (event.user_id, event.undoes) == (undone.user_id, undone.event_id)
    }
    counted = [*store["item_id"], *live.build_frame()["item_id"]]
    assert len(counted) == len(set(counted))
    expected = set(whole.build_frame()["item_id"])
    assert expected <= set(counted)
    assert set(counted) - expected <= undone_later & set(store["item_id"])
