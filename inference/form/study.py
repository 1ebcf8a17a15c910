"""A participant's way through a study: what comes next, and what an answer does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from pydantic import TypeAdapter, ValidationError

from feature_pipeline.errors import UserError
from feature_pipeline.events.event import Key
from feature_pipeline.schema import USERS
from inference.form.answer_log import Answer, AnswerLog, Showing
from inference.form.config import FormConfig
from inference.form.draw import draw_subject
from inference.form.subjects import Subjects

_NAME = TypeAdapter(Key)


@dataclass(frozen=True)
class Step:
    """One question to a participant.

    Attributes:
        showing: what it is about, and the answer that was given before, if any.
        number: of how many questions it is this one, from 1.
        total: how many there are.
    """

    showing: Showing
    number: int
    total: int


class Study:
    """One study of one log.

    Args:
        config: its settings.
        subjects: what it shows.
        log: keeps its answers.

    Raises:
        AnswerLogError: the log knows the study as one about something else.
    """

    def __init__(self, config: FormConfig, subjects: Subjects, log: AnswerLog) -> None:
        self.config = config
        self.subjects = subjects
        self._log = log
        log.register(config.study, config.show)

    def count(self, participant: str) -> int:
        """How many questions a participant gets."""
        return min(self.config.count, len(self.subjects.ids) - len(self._find_self(participant)))

    def has_begun(self, participant: str) -> bool:
        """Whether somebody takes part under this name."""
        return self._log.has_begun(self.config.study, participant)

    def begin(self, participant: str) -> None:
        """Notes that a participant has agreed to take part.

        Raises:
            UserError: the name is empty, too long, or has control characters.
        """
        self._log.begin(self.config.study, check_name(participant))

    def find_step(self, participant: str, back: int = 0) -> Step | None:
        """The question that is put to a participant now.

        Args:
            participant: who has begun.
            back: how many of the answered questions to go back; 0 for the first one that is open.

        Returns:
            None when all are answered.
        """
        showings = self._list_showings(participant)
        answered = [showing for showing in showings if showing.liked is not None]
        total = self.count(participant)
        if back and answered:
            number = max(1, len(answered) + 1 - back)
            return Step(answered[number - 1], number, max(total, len(answered)))
        if len(answered) >= total:
            return None
        unanswered = [showing for showing in showings if showing.liked is None]
        showing = unanswered[0] if unanswered else self._draw(participant)
        return Step(showing, len(answered) + 1, total) if showing else None

    def answer(self, participant: str, showing: Showing, liked: bool, answer_id: str) -> bool:
        """Keeps an answer; see `AnswerLog.append`."""
        now = datetime.now(UTC)
        answer = Answer(answer_id, participant, showing.subject, liked, showing.position, now)
        return self._log.append(self.config.study, answer)

    def _list_showings(self, participant: str) -> list[Showing]:
        """What they were shown and there still is, as the data set may have changed since."""
        showings = self._log.list_showings(self.config.study, participant)
        return [showing for showing in showings if showing.subject in self.subjects]

    def _draw(self, participant: str) -> Showing | None:
        showings = self._log.list_showings(self.config.study, participant)
        seen = {showing.subject for showing in showings} | self._find_self(participant)
        draw = partial(self._draw_subject, seen, participant)
        return self._log.show(self.config.study, participant, len(showings) + 1, draw)

    def _draw_subject(self, seen: set[str], participant: str, shown: Mapping[str, int]) -> str | None:
        return draw_subject(self.subjects.ids, shown, seen, participant, self.config.seed)

    def _find_self(self, participant: str) -> set[str]:
        """Who is shown users, is not shown themself."""
        return set(self.subjects.find_namesakes(participant)) if self.config.show == USERS else set()


def check_name(participant: str) -> str:
    """The name of a participant as it is kept.

    Raises:
        UserError: it is empty, too long, or has control characters.
    """
    try:
        return _NAME.validate_python(participant.strip())
    except ValidationError:
        raise UserError(
            "Please give a name or code of 1 to 100 characters, on one line and without control characters."
        ) from None
