"""What serving one user costs beside what cannot be left out: query tower, search, and the trees.

    python -m benchmarks.recommend [--artifacts FOLDER] [--dataset NAME] [--queries N] [--candidates N]

Serves users of the published bundle one at a time, as a service does, and times in the same loop the three
parts alone, on the inputs that serving gave them. Medians, in milliseconds; the ratios are the whole by the
sum of its parts, with reasons and without.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.parts import time_call, time_parts
from inference.recommender import Recommender
from training_pipeline.bundle import open_current_bundle

WHOLE = "recommend"
WITH_REASONS = "recommend, reasons"


def measure(recommender: Recommender, users: list[str], k: int) -> dict[str, float]:
    """Median milliseconds of the whole, and of the parts."""
    timed: dict[str, list[float]] = defaultdict(list)
    for user in users:
        timed[WHOLE].append(time_call(lambda user=user: recommender.recommend([user], k)))
        timed[WITH_REASONS].append(time_call(lambda u=user: recommender.recommend([u], k, explain=True)))
        for part, seconds in time_parts(recommender, [user], k).items():
            timed[part].append(seconds)
    return {name: 1000 * float(np.median(seconds)) for name, seconds in timed.items()}


def main() -> None:
    """Prints a table, and last a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--dataset", default="movielens")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--k", type=int, default=10)
    given = parser.parse_args()
    bundle = open_current_bundle(given.artifacts, given.dataset)
    bundle.manifest["config"]["ranker"]["candidates"] = given.candidates
    recommender = Recommender(bundle)
    users = list(bundle.tables.users["user_id"].sample(given.queries, random_state=0))
    measure(recommender, users[:5], given.k)  # warm
    milliseconds = measure(recommender, users, given.k)
    for name, value in milliseconds.items():
        print(f"{name:<22}{value:>8.2f} ms")
    parts = sum(value for name, value in milliseconds.items() if name not in (WHOLE, WITH_REASONS))
    figures = {
        "recommend_ms": milliseconds[WHOLE],
        "parts_ms": parts,
        "ratio": milliseconds[WHOLE] / parts,
        "ratio_with_reasons": milliseconds[WITH_REASONS] / parts,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
