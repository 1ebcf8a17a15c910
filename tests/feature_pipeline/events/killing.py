"""Kills a writer again and again: `python -m tests.feature_pipeline.events.killing URL FOLDER KILLS`.

It runs apart from pytest, whose threads would not survive a fork; a fork spares importing everything again.
Prints how many writers were killed, and how many events they had been told are safe.
"""

import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path

from feature_pipeline.events import Event, open_log
from tests.feature_pipeline.events.invented import make_event

LONGEST_LIFE = 0.3  # seconds


def make_batch(attempt: int, number: int) -> list[Event]:
    """1 to 4 events, always the same ones for the same arguments."""
    return [make_event(f"{attempt}-{number}-{place}") for place in range(1 + number % 4)]


def get_ids(batches: list[list[Event]]) -> list[str]:
    """The ids of all events, in order."""
    return [event.event_id for batch in batches for event in batch]


def start_writer(url: str, attempt: int, acknowledged: Path) -> int:
    """Forks a client that appends batch after batch, and notes the number of each that was acknowledged."""
    child = os.fork()
    if child:
        return child
    with open_log(url) as log, acknowledged.open("wb", buffering=0) as notes:
        for number in count():
            log.append(make_batch(attempt, number))
            notes.write(f"{number}\n".encode())
    return 0


def kill(child: int, life: float) -> None:
    """Kills it after so many seconds, as power loss or the kernel would: it has no last word."""
    time.sleep(life)
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the writer ended by itself"


def check(url: str, attempt: int, acknowledged: Path, after: int) -> tuple[int, int]:
    """Checks what the killed writer left, then sends all of it again, as a client does that does not know.

    Returns:
        The last sequence number, and how many events had been acknowledged.
    """
    safe = len(acknowledged.read_bytes().splitlines()) if acknowledged.exists() else 0
    batches = [make_batch(attempt, number) for number in range(safe + 1)]  # the last one may be there or not
    safe_ids, all_ids = get_ids(batches[:safe]), get_ids(batches)
    with open_log(url) as log:
        found = [event.event_id for _, event in log.read(after)]
        assert found in (safe_ids, all_ids), (found, safe_ids)

        new = sum(map(log.append, batches))

        rows = log.read(after)
        assert new == len(rows) - len(found)
        assert [event.event_id for _, event in rows] == all_ids
    return rows[-1][0], len(safe_ids)


def main(url: str, folder: Path, kills: int) -> None:
    """Kills `kills` writers of one log at random moments, the first perhaps while it creates the log."""
    draw = random.Random(0)
    after = total = 0
    for attempt in range(kills):
        acknowledged = folder / f"acknowledged-{attempt}"
        kill(start_writer(url, attempt, acknowledged), draw.uniform(0, LONGEST_LIFE))
        after, safe = check(url, attempt, acknowledged, after)
        total += safe
    with open_log(url) as log:
        ids = [event.event_id for _, event in log.read()]
        assert len(ids) == len(set(ids)) == log.count() >= total
    print(kills, total)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
