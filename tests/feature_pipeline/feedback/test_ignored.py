"""What was shown and left: by hand, within an hour and within a session."""

from feature_pipeline.feedback.ignored import find_ignored
from tests.feature_pipeline.feedback.shop_feedback import FIRST, act

TYPES = ("like", "click")


def show(item, minutes=0.0, position=1, user="ann", **more):
    return act(f"{user} {item} {minutes}", user, item, "impression", minutes, position=position, **more)


def find(*events, provenance=("human",)):
    return find_ignored(list(enumerate(events, 1)), TYPES, provenance)


def test_what_is_told_of_it():
    found = find(show("cup", position=3), show("pot", minutes=1))
    assert list(found) == ["user_id", "item_id", "event_time", "position"]
    assert found["item_id"].tolist() == ["cup", "pot"]
    assert found["position"].tolist() == [3, 1]
    assert found["event_time"].iloc[0] == FIRST.replace(tzinfo=None)
    assert find().empty


def test_what_was_chosen_within_an_hour_was_not_left():
    for kind, minutes, is_left in (
        ("click", 0, False),
        ("click", 60, False),
        ("like", 59, False),
        ("like", 60.001, True),
        ("click", -0.001, True),
        ("impression", 1, True),
    ):
        answer = act("a", "ann", "cup", kind, minutes, position=None)
        for events in ((show("cup"), answer), (answer, show("cup"))):
            assert (len(find(*events)) == 1) == is_left


def test_nor_what_was_chosen_in_the_same_session():
    shown = show("cup", session="monday")
    for session, is_left in (("monday", False), ("tuesday", True), (None, True)):
        assert find(shown, act("a", "ann", "cup", minutes=600, session=session)).empty != is_left
    assert len(find(show("cup"), act("a", "ann", "cup", minutes=600, session="monday"))) == 1


def test_choices_of_others_and_of_other_items_say_nothing():
    assert len(find(show("cup"), act("a", "bob", "cup"), act("b", "ann", "pot"))) == 1


def test_a_choice_taken_back_is_no_ignoring():
    like, undo = act("a", "ann", "cup"), act("b", "ann", "cup", "undo", undoes="a")
    assert find(show("cup"), like, undo).empty


def test_without_a_place_nothing_is_known():
    assert find(show("cup", position=None)).empty


def test_whose_impressions_count():
    assert find(show("cup"), provenance=("simulated",)).empty
