"""Items that somebody looks for, as cards that stay the same as long as the question does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.service.answers import Findings
from inference.service.requests import SearchForm, SimilarBody
from inference.ui.backend import Backend
from inference.ui.visit import NUM_CARDS, Card

NUM_SIMILAR = 6


@dataclass(frozen=True)
class Question:
    """What is looked for.

    Attributes:
        text: words; None where a picture alone is meant.
        image: the bytes of a picture's file.
        filters: see `ItemFilter`.
    """

    text: str | None
    image: bytes | None
    filters: Mapping[str, Any] = field(default_factory=dict)


class Finding:
    """Finds items, and remembers the last answers, so that a card is the same one at every rerun.

    Args:
        backend: answers.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._asked: Question | None = None
        self._found: list[Card] = []
        self._alike: dict[tuple[str, str], list[Card]] = {}

    def find(self, question: Question) -> list[Card]:
        """Items like a text, a picture, or both.

        Raises:
            UserError: see `Backend.search`.
        """
        if question != self._asked:
            body = SearchForm(text=question.text, k=NUM_CARDS, filters=dict(question.filters))
            self._found = _make_cards(self._backend.search(body, question.image))
            self._asked = question
        return self._found

    def find_similar(self, item_id: str, by: str) -> list[Card]:
        """Items like one, by content (`both`) or by whom they are chosen (`tower`).

        Raises:
            UserError: see `Backend.similar`.
        """
        asked = item_id, by
        if asked not in self._alike:
            body = SimilarBody(item_id=item_id, by=by, k=NUM_SIMILAR)
            self._alike[asked] = _make_cards(self._backend.similar(body))
        return self._alike[asked]


def _make_cards(findings: Findings) -> list[Card]:
    return [Card(found.item_id, found.title, findings.bundle, found.rank) for found in findings.items]
