"""The answer log: who was shown what in which study, and every answer, in one SQLite file."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feature_pipeline.errors import UserError
from feature_pipeline.events.event import from_microseconds, to_microseconds
from feature_pipeline.sqlite_file import SqliteFile

# Times are in microseconds since 1970 UTC.
_CREATE = (
    "CREATE TABLE IF NOT EXISTS studies (study TEXT PRIMARY KEY, kind TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS participants (study TEXT NOT NULL, participant TEXT NOT NULL, "
    "began INTEGER NOT NULL, PRIMARY KEY (study, participant))",
    "CREATE TABLE IF NOT EXISTS showings (study TEXT NOT NULL, participant TEXT NOT NULL, "
    "position INTEGER NOT NULL, subject TEXT NOT NULL, "
    "PRIMARY KEY (study, participant, position), UNIQUE (study, participant, subject))",
    "CREATE TABLE IF NOT EXISTS answers (sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
    "answer_id TEXT NOT NULL UNIQUE, study TEXT NOT NULL, participant TEXT NOT NULL, "
    "subject TEXT NOT NULL, liked INTEGER NOT NULL, position INTEGER NOT NULL, time INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS answers_of ON answers (study, participant)",
)
# The later answer counts: SQLite takes `liked` from the row that has the maximum.
_SHOWINGS = (
    "SELECT position, subject, liked, max(sequence) FROM showings LEFT JOIN answers "
    "USING (study, participant, position, subject) WHERE study = ? AND participant = ? "
    "GROUP BY position ORDER BY position"
)


class AnswerLogError(UserError):
    """The log cannot be opened, read or written; the message names the file and the remedy."""


@dataclass(frozen=True)
class Showing:
    """What a participant was shown.

    Attributes:
        position: from 1, in the order in which they were drawn for this participant.
        subject: the id of an item or a user.
        liked: the answer that counts; None before there is one.
    """

    position: int
    subject: str
    liked: bool | None


@dataclass(frozen=True)
class Answer:
    """One row of the log.

    Attributes:
        answer_id: names the occasion of an answer, so that what is sent twice counts once.
        participant: their name or code.
        subject: what it is about.
        liked: Like, or else Dislike.
        position: see `Showing`.
        time: when, in UTC.
    """

    answer_id: str
    participant: str
    subject: str
    liked: bool
    position: int
    time: datetime


class AnswerLog:
    """Answers in their order; none is ever changed or taken out.

    Args:
        path: the file; created with its folders, for its owner alone, where there is none.

    Raises:
        AnswerLogError: it cannot be read or written, here and in every method.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SqliteFile(path, _CREATE, self._explain)

    def register(self, study: str, kind: str) -> None:
        """Notes what a study is about.

        Raises:
            AnswerLogError: it is about something else.
        """
        self._file.execute("INSERT OR IGNORE INTO studies VALUES (?, ?)", (study, kind))
        known = self.list_studies()[study]
        if known != kind:
            raise AnswerLogError(
                f"form.show: study {study!r} of {self._path} is about {known}, found {kind}. "
                f"Remedy: form.show={known}, or another name by form.study"
            )

    def list_studies(self) -> dict[str, str]:
        """What each study is about, by name."""
        return dict(self._file.execute("SELECT study, kind FROM studies ORDER BY study"))

    def begin(self, study: str, participant: str) -> None:
        """Notes that a participant has agreed to take part; does nothing when it was noted before."""
        values = (study, participant, to_microseconds(datetime.now(UTC)))
        self._file.execute("INSERT OR IGNORE INTO participants VALUES (?, ?, ?)", values)

    def has_begun(self, study: str, participant: str) -> bool:
        """Whether somebody takes part under this name."""
        sql = "SELECT 1 FROM participants WHERE study = ? AND participant = ?"
        return bool(self._file.execute(sql, (study, participant)))

    def list_showings(self, study: str, participant: str) -> list[Showing]:
        """What a participant was shown, in order."""
        rows = self._file.execute(_SHOWINGS, (study, participant))
        return [
            Showing(position, subject, None if liked is None else bool(liked))
            for position, subject, liked, _ in rows
        ]

    def show(
        self, study: str, participant: str, position: int, draw: Callable[[Mapping[str, int]], str | None]
    ) -> Showing | None:
        """What a participant is shown at a position: what was drawn before, or is now.

        Nobody else draws meanwhile, so that all know what the others were shown.

        Args:
            study: its name.
            participant: who is shown it.
            position: from 1.
            draw: from the number of showings by subject to a subject; None where there is none left.
        """
        with self._file.transaction() as cursor:
            place = (study, participant, position)
            found = cursor.execute(
                "SELECT subject FROM showings WHERE study = ? AND participant = ? AND position = ?", place
            ).fetchone()
            if found:
                return Showing(position, found[0], None)
            shown = cursor.execute(
                "SELECT subject, count(*) FROM showings WHERE study = ? GROUP BY subject", (study,)
            )
            subject = draw(Counter(dict(shown)))
            if subject is None:
                return None
            cursor.execute("INSERT INTO showings VALUES (?, ?, ?, ?)", (*place, subject))
        return Showing(position, subject, None)

    def append(self, study: str, answer: Answer) -> bool:
        """Appends an answer, which survives from then on.

        Returns:
            False when there is one of this id, which stays as it is.
        """
        time = to_microseconds(answer.time)
        row = (
            answer.answer_id,
            study,
            answer.participant,
            answer.subject,
            answer.liked,
            answer.position,
            time,
        )
        sql = (
            "INSERT INTO answers (answer_id, study, participant, subject, liked, position, time) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (answer_id) DO NOTHING RETURNING sequence"
        )
        return bool(self._file.execute(sql, row))

    def read(self, study: str) -> list[Answer]:
        """All answers of a study, in their order."""
        sql = (
            "SELECT answer_id, participant, subject, liked, position, time FROM answers "
            "WHERE study = ? ORDER BY sequence"
        )
        return [
            Answer(answer_id, participant, subject, bool(liked), position, from_microseconds(time))
            for answer_id, participant, subject, liked, position, time in self._file.execute(sql, (study,))
        ]

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _explain(self, error: Exception) -> AnswerLogError:
        return AnswerLogError(
            f"{self._path}: expected answers of a form in a SQLite file, found: {error}. Remedy: check the "
            "path, the right to write there and the free space, or name another file by form.answers"
        )
