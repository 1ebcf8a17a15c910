"""Kills a writer of answers again and again: `python -m tests.inference.form.killing FILE FOLDER KILLS`.

It runs apart from pytest, whose threads would not survive a fork; a fork spares importing everything again.
Prints how many answers the killed writers had been told are safe.
"""

import os
import random
import signal
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from inference.form.answer_log import Answer, AnswerLog
from inference.form.draw import draw_subject

LONGEST_LIFE = 0.3  # seconds
SUBJECTS = [f"s{i}" for i in range(50)]


def write(path: Path, attempt: int, acknowledged: Path) -> None:
    """Takes part as one participant after the other, and notes each answer that was acknowledged."""
    with closing(AnswerLog(path)) as log, acknowledged.open("wb", buffering=0) as notes:
        for number in count():
            participant = f"p{attempt}-{number // 10}"
            position = number % 10 + 1
            seen = {showing.subject for showing in log.list_showings("s", participant)}
            showing = log.show(
                "s",
                participant,
                position,
                lambda shown, seen=seen: draw_subject(SUBJECTS, shown, seen, "", 0),
            )
            answer_id = f"{attempt}-{number}"
            now = datetime.now(UTC)
            log.append("s", Answer(answer_id, participant, showing.subject, number % 3 == 0, position, now))
            notes.write(f"{answer_id}\n".encode())


def start_and_kill(path: Path, attempt: int, acknowledged: Path, life: float) -> None:
    """Kills a writer after so many seconds: it has no last word."""
    child = os.fork()
    if not child:
        write(path, attempt, acknowledged)
    time.sleep(life)
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the writer ended by itself"


def check(path: Path, notes: list[Path]) -> int:
    """What was acknowledged is there once; of each writer at most one more is, whose note came too late."""
    safe = [line for file in notes if file.exists() for line in file.read_text().split()]
    with closing(AnswerLog(path)) as log:
        kept = [answer.answer_id for answer in log.read("s")]
    assert len(kept) == len(set(kept))
    assert set(safe) <= set(kept)
    assert len(kept) <= len(safe) + len(notes)
    return len(safe)


def main(path: Path, folder: Path, kills: int) -> None:
    """Kills so many writers of one log, the first perhaps while it creates the log."""
    lives = random.Random(0)
    notes = [folder / f"acknowledged-{attempt}" for attempt in range(kills)]
    for attempt, file in enumerate(notes):
        start_and_kill(path, attempt, file, lives.uniform(0, LONGEST_LIFE))
        safe = check(path, notes[: attempt + 1])
    print(safe)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
