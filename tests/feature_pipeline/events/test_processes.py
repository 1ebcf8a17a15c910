"""Several processes append to one log at once, and a reader follows it."""

import subprocess
import sys
import time
from pathlib import Path

from feature_pipeline.events import Event, EventLog, open_log

ROOT = Path(__file__).parents[3]
WRITERS = 4
EVENTS_EACH = 200
STEP = EVENTS_EACH // 2  # so that each event but the outermost is sent by two processes


def start_writer(url: str, number: int) -> "subprocess.Popen[str]":
    bounds = (str(number * STEP), str(number * STEP + EVENTS_EACH))
    command = [sys.executable, "-m", "tests.feature_pipeline.events.writer", url, *bounds]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def follow(log: EventLog, writers: list["subprocess.Popen[str]"]) -> list[tuple[int, Event]]:
    """Reads on from where it stopped, until no writer is left and nothing more comes."""
    found: list[tuple[int, Event]] = []
    while True:
        done = all(writer.poll() is not None for writer in writers)
        found += log.read(after=found[-1][0] if found else 0)
        if done:
            return found
        time.sleep(0.001)


def test_nothing_is_lost_or_doubled_and_a_reader_misses_nothing(url: str) -> None:
    writers = [start_writer(url, number) for number in range(WRITERS)]  # they create the log, too
    with open_log(url) as log:
        followed = follow(log, writers)
        new = [int(writer.communicate(timeout=60)[0]) for writer in writers]

        assert followed == log.read()

    numbers = [int(event.event_id) for _, event in followed]
    assert sorted(numbers) == list(range((WRITERS + 1) * STEP)), "each once"
    assert sum(new) == len(numbers)
    sequences = [sequence for sequence, _ in followed]
    assert sequences == sorted(set(sequences))
