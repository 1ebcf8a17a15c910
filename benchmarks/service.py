"""What the service bears on this machine, and whether it stays right while bundles change.

    python -m benchmarks.service [--artifacts FOLDER] [--dataset NAME] [--workers N] [--requests N]

Starts the service on a copy of the current bundle, and loads it from this process, on the same machine:

1. closed loops of more and more askers, until the rate grows no more: the maximum;
2. half of that as an open loop, requests at random moments: p50, p99, errors;
3. `--requests` requests, while another bundle is published ten times, by turns with the first: each answer
   must have the items and scores that the bundle it names gives when it is alone.

A table, and last a line of JSON.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.load import Answer, ask_closed, ask_open
from benchmarks.serving import Serving, serve
from inference.parity import TOLERANCE

CONCURRENCY = (1, 2, 4, 8, 16)
# A step up that gains less has found the maximum.
GAIN = 1.05
RELOADS = 10
ASKERS = 4

Shown = list[tuple[str, float, float]]


def find_maximum(url: str, bodies: Iterator[dict[str, Any]], seconds: float) -> float:
    """The highest rate of answers a second in closed loops, some seconds each."""
    best = 0.0
    for concurrency in CONCURRENCY:
        answers: list[Answer] = []
        end = time.perf_counter() + seconds
        lasted = ask_closed(
            url, bodies, concurrency, lambda end=end: time.perf_counter() < end, answers.append
        )
        rate = sum(answer.status == 200 for answer in answers) / lasted
        print(f"{concurrency:>4} askers {rate:>18.1f} a second")
        if rate < best * GAIN:
            return max(best, rate)
        best = rate
    return best


def measure_open(url: str, bodies: Iterator[dict[str, Any]], rate: float, seconds: float) -> dict[str, float]:
    """Latencies in milliseconds, and errors, under an open loop."""
    answers = ask_open(url, bodies, rate, seconds)
    p50, p99 = np.percentile([1000 * answer.seconds for answer in answers], (50, 99))
    errors = sum(answer.status != 200 for answer in answers)
    print(f"{rate:.1f} a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {errors} errors of {len(answers)}")
    return {"p50_ms": p50, "p99_ms": p99, "errors": errors, "open_requests": len(answers)}


def read_shown(content: dict[str, Any]) -> Shown:
    """What an answer shows: items and both scores, in order."""
    rows = content["recommendations"]
    return [(row["item_id"], row["retrieval_score"], row["ranking_score"]) for row in rows]


def note_expected(url: str, bodies: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Shown]:
    """What the only bundle there is answers, by bundle and user."""
    expected = {}

    def note(answer: Answer) -> None:
        expected[answer.content["bundle"], answer.body["user_id"]] = read_shown(answer.content)

    left = iter(range(len(bodies)))
    ask_closed(url, cycle(bodies), ASKERS, lambda: next(left, None) is not None, note)
    return expected


def is_as_expected(answer: Answer, expected: dict[tuple[str, str], Shown]) -> bool:
    """Whether an answer is the one that its bundle gives alone."""
    shown = read_shown(answer.content)
    alone = expected[answer.content["bundle"], answer.body["user_id"]]
    return [row[0] for row in shown] == [row[0] for row in alone] and np.allclose(
        [row[1:] for row in shown], [row[1:] for row in alone], rtol=TOLERANCE, atol=TOLERANCE
    )


def ask_through_reloads(serving: Serving, bodies: Sequence[dict[str, Any]], requests: int) -> dict[str, int]:
    """Counts failures and mixtures while bundles are published by turns."""
    url, (first, other) = f"{serving.url}/recommend", serving.ids
    expected = {}
    for bundle_id in (other, first):
        serving.publish(bundle_id)
        expected |= note_expected(url, bodies)
    counts: Counter[str] = Counter()

    def note(answer: Answer) -> None:
        counts["requests"] += 1
        if answer.status != 200:
            counts["failed"] += 1
        else:
            counts[answer.content["bundle"]] += 1
            counts["mixed"] += not is_as_expected(answer, expected)

    def publish() -> None:
        for reload in range(RELOADS):
            while counts["requests"] < requests * reload / RELOADS:
                time.sleep(0.05)
            serving.publish((other, first)[reload % 2])
            counts["reloads"] += 1

    publishing = threading.Thread(target=publish, daemon=True)
    publishing.start()
    goes_on = lambda: counts["requests"] < requests or publishing.is_alive()  # noqa: E731
    ask_closed(url, cycle(bodies), ASKERS, goes_on, note)
    figures = {name: counts[name] for name in ("requests", "reloads", "failed", "mixed")}
    print(", ".join(f"{value} {name}" for name, value in figures.items()), end="; ")
    print(f"{counts[first]} answers of one bundle, {counts[other]} of the other")
    return figures


def main() -> None:
    """Prints a table, and last a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--dataset", default="sample")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--seconds", type=float, default=10, help="of each closed loop; the open one takes three times that"
    )
    parser.add_argument("--requests", type=int, default=10_000, help="while bundles change")
    parser.add_argument("--users", type=int, default=100, help="different ones that are asked for")
    parser.add_argument("--k", type=int, default=10)
    given = parser.parse_args()
    with serve(given.artifacts, given.dataset, given.workers) as serving:
        known = pd.read_parquet(serving.bundles / serving.ids[0] / "features" / "users.parquet")["user_id"]
        chosen = random.Random(0).sample(list(known), min(given.users, len(known)))
        bodies = [{"user_id": user_id, "k": given.k} for user_id in chosen]
        url = f"{serving.url}/recommend"
        asked = cycle(bodies)
        maximum = find_maximum(url, asked, given.seconds)
        figures: dict[str, Any] = {"max_rate": maximum, "open_rate": maximum / 2}
        figures |= measure_open(url, asked, maximum / 2, 3 * given.seconds)
        figures |= ask_through_reloads(serving, bodies, given.requests)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    is_right = not (figures["errors"] or figures["failed"] or figures["mixed"])
    sys.exit(not (is_right and figures["reloads"] == RELOADS))


if __name__ == "__main__":
    main()
