"""A visit with the real library behind it: what is shown, what is noted, and that nothing is noted twice."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event, EventLogError, open_log
from inference.ui.backend import Backend
from inference.ui.journal import Journal
from inference.ui.visit import NUM_CARDS, Visit, Wish

ANY = Wish()


def read_events(artifacts: Path, user_id: str) -> list[Event]:
    with open_log(str(artifacts / "tiny" / "events.sqlite")) as log:
        return [event for _, event in log.read() if event.user_id == user_id]


def count(artifacts: Path, user_id: str) -> Counter[str]:
    return Counter(event.event_type for event in read_events(artifacts, user_id))


def test_each_card_is_one_impression_however_often_the_page_is_computed(library: Backend, artifacts: Path):
    visit = Visit(library, "user-00")
    shown = [visit.look(ANY) for _ in range(5)]
    assert all(cards == shown[0] for cards in shown)
    events = read_events(artifacts, "user-00")
    assert count(artifacts, "user-00") == {"impression": NUM_CARDS}
    assert [e.position for e in events] == list(range(1, NUM_CARDS + 1))
    assert [e.item_id for e in events] == [card.item_id for card in shown[0]]
    assert {(e.bundle, e.provenance) for e in events} == {(library.name_bundle(), "human")}
    assert len({e.session for e in events}) == 1


def test_a_like_replaces_its_card_by_the_next_best_and_the_others_stay(library: Backend, artifacts: Path):
    visit = Visit(library, "user-01")
    before = visit.look(ANY)
    liked = before[4]
    visit.like(liked)
    visit.like(liked)
    after = visit.look(ANY)
    assert [*after[:4], *after[5:]] == [*before[:4], *before[5:]]
    assert after[4].item_id not in {card.item_id for card in before}
    assert after[4].position == 5
    assert count(artifacts, "user-01") == {"impression": NUM_CARDS + 1, "like": 1}
    assert visit.list_history(3)[0] == liked.item_id


def test_the_last_like_is_taken_back_once_and_can_be_given_again(library: Backend, artifacts: Path):
    visit = Visit(library, "user-02")
    before = visit.look(ANY)
    visit.like(before[0])
    visit.like(before[1])
    last = visit.liked[-1]
    visit.take_back(last)
    visit.take_back(last)
    assert [liked.card for liked in visit.liked] == [before[0]]
    assert visit.look(ANY)[1] == before[1]
    assert before[1].item_id not in visit.list_history(20)
    assert count(artifacts, "user-02") == {"impression": NUM_CARDS + 2, "like": 2, "undo": 1}
    visit.like(before[1])
    likes = [e for e in read_events(artifacts, "user-02") if e.event_type == "like"]
    assert len({e.event_id for e in likes}) == 3
    assert visit.list_history(1) == [before[1].item_id]


def test_opening_is_one_click(library: Backend, artifacts: Path):
    visit = Visit(library, "user-03")
    card = visit.look(ANY)[2]
    visit.open(card)
    visit.open(card)
    assert visit.opened == card
    assert card in visit.look(ANY)
    assert count(artifacts, "user-03")["click"] == 1


def test_what_is_passed_over_makes_way_for_others_until_nothing_is_left(library: Backend, artifacts: Path):
    visit = Visit(library, "user-39")
    seen: list[str] = []
    while cards := visit.look(ANY):
        seen += [card.item_id for card in cards]
        visit.pass_over()
    assert len(seen) == len(set(seen)) == 40
    assert count(artifacts, "user-39") == {"impression": 40}
    visit.show_again()
    assert [card.item_id for card in visit.look(ANY)] == seen[:NUM_CARDS]


def test_another_wish_gets_other_cards(library: Backend, gallery):
    visit = Visit(library, "user-05")
    visit.look(ANY)
    cards = visit.look(Wish({"shape": ["square"]}, 0.5))
    assert {gallery.exhibits.get(card.item_id).facts["shape"] for card in cards} == {"square"}
    visit.like(cards[0])
    assert gallery.exhibits.get(visit.cards[0].item_id).facts["shape"] == "square"


class Unsteady:
    """A log that can be out of reach."""

    def __init__(self) -> None:
        self.is_there = True
        self.known: dict[str, Event] = {}

    def append(self, events: Sequence[Event]) -> None:
        if not self.is_there:
            raise EventLogError("out of reach")
        if any(event.item_id == "gone" for event in events):
            raise UserError("unknown item")
        self.known |= {event.event_id: event for event in events}


def test_an_event_that_did_not_arrive_is_sent_again_unchanged():
    log = Unsteady()
    journal = Journal("ada", log.append)
    log.is_there = False
    first = journal.note("like a", "like", "item-1", None, 1)
    with pytest.raises(EventLogError):
        journal.write()
    assert journal.note("like a", "like", "item-1", None, 1) is first
    log.is_there = True
    journal.write()
    journal.write()
    assert list(log.known.values()) == [first]


def test_an_event_that_is_refused_does_not_keep_others_back():
    log = Unsteady()
    journal = Journal("ada", log.append)
    kept = [journal.note(name, "impression", name, None, 1) for name in ("one", "gone", "two")]
    with pytest.raises(UserError, match="unknown item"):
        journal.write()
    journal.write()
    assert list(log.known.values()) == [kept[0], kept[2]]
