"""Workers that are killed at random moments: the service answers again, and no acknowledged event is lost."""

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from feature_pipeline.events import open_log
from tests.inference.service.running import WORKERS, Server, start_server, wait_for
from tests.inference.service.world import write_event

pytestmark = pytest.mark.slow

KILLS = 20
WRITERS = 4
LONGEST_LIFE = 0.5  # seconds, from the first answer after the kill before


def test_twenty_killed_workers(bundle, tmp_path):
    """Whoever sends again until there is an answer finds everything in the log, once."""
    acknowledged: list[str] = []
    is_over = threading.Event()

    def write(server: Server, writer: int) -> None:
        number = 0
        while not is_over.is_set():
            event = write_event(f"{writer}-{number}", user_id=f"writer-{writer}", item_id="item-00")
            while not send(server, event):
                time.sleep(0.05)
            acknowledged.append(event["event_id"])
            number += 1

    def send(server: Server, event: dict[str, str]) -> bool:
        try:
            return server.post("/events", {"events": [event]}).status_code == 200
        except requests.RequestException:
            return False

    draw = random.Random(0)
    with start_server(bundle, tmp_path) as server:
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(write, server, writer) for writer in range(WRITERS)]
            try:
                for _ in range(KILLS):
                    before = len(acknowledged)
                    wait_for(lambda before=before: len(acknowledged) > before and server.list_alive())
                    time.sleep(draw.uniform(0, LONGEST_LIFE))
                    os.kill(draw.choice(sorted(server.list_alive())), signal.SIGKILL)
            finally:
                is_over.set()
            for written in writing:
                written.result()
        wait_for(lambda: len(server.list_alive()) == WORKERS)
        assert all(
            "item-00" not in {row["item_id"] for row in answer["recommendations"]}
            for answer in server.ask_every_worker("writer-3")
        )
        with open_log(str(server.artifacts / "tiny" / "events.sqlite")) as log:
            kept = [event.event_id for _, event in log.read()]
    assert sorted(kept) == sorted(acknowledged)
    assert len(kept) == len(set(kept)) > KILLS
