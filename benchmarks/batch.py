"""What recommending to everybody costs beside the bare arithmetic: tower, matrix product and top k, trees.

    python -m benchmarks.batch [--artifacts FOLDER] [--dataset NAME] [--k N] [--users N]

A process of its own writes the file of all users, as `make infer USER=all` does, and reports its time after
the bundle was opened and the most memory that it held. Then the three parts run alone, for the same users
block by block, on the inputs that serving gave them. The ratio is the whole by the sum of its parts.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.parts import time_call, time_parts
from inference.batch import BLOCK, write_all
from inference.recommender import Recommender
from training_pipeline.bundle import Bundle, open_current_bundle


def open_bundle(artifacts: Path, dataset: str, num_users: int | None) -> Bundle:
    """The current bundle, perhaps with its first users alone."""
    bundle = open_current_bundle(artifacts, dataset)
    if num_users is not None:
        vars(bundle)["tables"] = replace(bundle.tables, users=bundle.tables.users.head(num_users))
    return bundle


def write(artifacts: Path, dataset: str, k: int, num_users: int | None) -> tuple[float, int, int]:
    """Seconds, MiB at most, and rows of the file."""
    recommender = Recommender(open_bundle(artifacts, dataset, num_users))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "all.parquet"
        seconds = time_call(lambda: rows.append(write_all(recommender, k, out)))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, rows[0]


def main() -> None:
    """Prints a table, and last a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--dataset", default="movielens")
    parser.add_argument("--k", type=int, default=200)
    parser.add_argument("--users", type=int, help="the first so many; all by default")
    given = parser.parse_args()
    asked = (given.artifacts, given.dataset, given.k, given.users)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        whole, peak, rows = process.submit(write, *asked).result()
    bundle = open_bundle(given.artifacts, given.dataset, given.users)
    recommender, users = Recommender(bundle), list(bundle.tables.users["user_id"])
    time_parts(recommender, users[:8], given.k)  # warm
    parts: dict[str, float] = defaultdict(float)
    for start in range(0, len(users), BLOCK):
        for part, seconds in time_parts(recommender, users[start : start + BLOCK], given.k).items():
            parts[part] += seconds
    print(f"{len(users):,} users, {rows:,} rows")
    for name, seconds in {"whole": whole, **parts}.items():
        print(f"{name:<22}{seconds:>8.1f} s")
    figures = {"seconds": whole, "parts_seconds": sum(parts.values()), "peak_mib": peak}
    figures["ratio"] = figures["seconds"] / figures["parts_seconds"]
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
