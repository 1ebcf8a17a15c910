"""One person's visit: the cards that they see, and what they did with them. Knows nothing of the screen."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from inference.service.requests import MOST, RecommendBody
from inference.ui.backend import Backend
from inference.ui.journal import Journal

NUM_CARDS = 12


@dataclass(frozen=True)
class Card:
    """An item that is, or was, shown.

    Attributes:
        item_id: the item.
        title: its title.
        bundle: what showed it.
        position: its place among the cards, from 1.
        reasons: why it is shown.
        id: of this showing; the same item shown again later has another.
    """

    item_id: str
    title: str
    bundle: str
    position: int
    reasons: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see; another wish gets other cards.

    Attributes:
        filters: see `ItemFilter`.
        diversity: 0 for the best, towards 1 for what differs more.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    diversity: float = 0.0


@dataclass(frozen=True)
class Liked:
    """A like that can be taken back.

    Attributes:
        card: what was liked.
        event_id: of the like.
        successor: the card that took its place among the recommendations, if any did.
        is_recommended: whether it was one of them, and not found by a search.
    """

    card: Card
    event_id: str
    successor: Card | None
    is_recommended: bool


class Visit:
    """What one person sees and does, from when they come until they leave.

    Args:
        backend: answers, and keeps the events.
        user_id: who it is.

    Attributes:
        user_id: who it is.
        cards: what is recommended now, in order.
        liked: what was liked during this visit and not taken back, the latest last.
        opened: the card whose details are open.
    """

    def __init__(self, backend: Backend, user_id: str) -> None:
        self.user_id = user_id
        self.cards: list[Card] = []
        self.liked: list[Liked] = []
        self.opened: Card | None = None
        self._backend = backend
        self._journal = Journal(user_id, backend.append)
        self._wish: Wish | None = None
        self._passed: dict[str, None] = {}
        self._taken_back: set[str] = set()

    def look(self, wish: Wish) -> list[Card]:
        """The cards of a wish; they stay as they are until they are liked or passed over.

        Raises:
            UserError: see `Backend.recommend` and `Backend.append`.
        """
        if wish != self._wish:
            found = self._recommend(wish, NUM_CARDS)
            self.cards = [replace(card, position=place) for place, card in enumerate(found, start=1)]
            self._wish = wish
        self._note_impressions()
        self._journal.write()
        return self.cards

    def pass_over(self) -> None:
        """Lets the cards go, for others that have not been shown."""
        self._passed |= dict.fromkeys(card.item_id for card in self.cards)
        self._wish = None

    def show_again(self) -> None:
        """Forgets what was passed over."""
        self._passed.clear()
        self._wish = None

    @property
    def has_passed(self) -> bool:
        """Whether anything was passed over."""
        return bool(self._passed)

    def open(self, card: Card) -> None:
        """Opens the details of a card, which counts as a click, once for each time it is shown."""
        self.opened = card
        self._journal.note(f"click {card.id}", "click", card.item_id, card.bundle, card.position)
        self._journal.write()

    def close(self) -> None:
        """Closes the details."""
        self.opened = None

    def like(self, card: Card) -> None:
        """Counts a like, and puts the next best in the card's place; a second time changes nothing."""
        if self.likes(card.item_id):
            return
        event = self._journal.note(f"like {card.id}", "like", card.item_id, card.bundle, card.position)
        self._journal.write()
        self._taken_back.discard(card.item_id)
        is_recommended = card in self.cards
        self.liked.append(Liked(card, event.event_id, None, is_recommended))
        if is_recommended:
            self.liked[-1] = replace(self.liked[-1], successor=self._replace(card))

    def likes(self, item_id: str) -> bool:
        """Whether an item was liked during this visit."""
        return any(liked.card.item_id == item_id for liked in self.liked)

    def take_back(self, last: Liked) -> None:
        """Takes back the last like: the card returns to its place. Another than the last stays."""
        if not self.liked or self.liked[-1] is not last:
            return
        card, undone = last.card, last.event_id
        self._journal.note(f"undo {undone}", "undo", card.item_id, card.bundle, card.position, undone)
        self._journal.write()
        # Liked once more, it is another act: what was undone stays undone.
        self._journal.forget(f"like {card.id}")
        self.liked.pop()
        self._taken_back.add(card.item_id)
        if last.is_recommended:
            self._return(last)

    def list_history(self, limit: int) -> list[str]:
        """Items that the person has met, the latest first, what was liked a moment ago included.

        Another process of a service may learn of a like a little later than the one that took it.
        """
        known = [past.item_id for past in self._backend.get_history(self.user_id, limit).events]
        liked = (liked.card.item_id for liked in reversed(self.liked))
        fresh = takewhile(lambda item_id: item_id not in known, liked)
        met = dict.fromkeys([*fresh, *known])
        return [item for item in met if item not in self._taken_back][:limit]

    def _replace(self, card: Card) -> Card | None:
        """Puts the next best that is not shown in a card's place; takes the card away where there is none."""
        shown = {other.item_id for other in self.cards}
        # The cards that stay are asked for, too: what is too like them is left out.
        found = self._recommend(self._wish or Wish(), 2 * NUM_CARDS)
        successor = next((other for other in found if other.item_id not in shown), None)
        if successor is None:
            self.cards = [other for other in self.cards if other != card]
            return None
        successor = replace(successor, position=card.position)
        self.cards = [successor if other == card else other for other in self.cards]
        self._note_impressions()
        self._journal.write()
        return successor

    def _return(self, last: Liked) -> None:
        """Puts a card back; nowhere if others have been asked for since."""
        if last.successor in self.cards:
            self.cards = [last.card if card == last.successor else card for card in self.cards]
        elif last.successor is None:
            self.cards = sorted([*self.cards, last.card], key=lambda card: card.position)

    def _recommend(self, wish: Wish, k: int) -> list[Card]:
        liked = [liked.card.item_id for liked in self.liked]
        body = RecommendBody(
            user_id=self.user_id,
            k=k,
            filters=dict(wish.filters),
            diversity=wish.diversity,
            exclude=[*self._passed, *liked][-MOST:],
            reasons=True,
        )
        answer = self._backend.recommend(body)
        return [
            Card(row.item_id, row.title, answer.bundle, row.rank, tuple(row.reasons or ()))
            for row in answer.recommendations
        ]

    def _note_impressions(self) -> None:
        for card in self.cards:
            self._journal.note(f"show {card.id}", "impression", card.item_id, card.bundle, card.position)
