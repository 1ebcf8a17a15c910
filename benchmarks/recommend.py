"""What serving one user costs beside what cannot be left out: query tower, search, and the trees.

    python -m benchmarks.recommend [--artifacts FOLDER] [--dataset NAME] [--queries N] [--candidates N]

Serves users of the published bundle one at a time, as a service does, and times in the same loop the three
parts alone, on the inputs that serving gave them. Medians, in milliseconds; the ratios are the whole by the
sum of its parts, with reasons and without.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import inference.snapshot as serving
from inference.recommender import Recommender
from training_pipeline.bundle import Bundle, open_current_bundle
from training_pipeline.ranking.model import Ranker

PARTS = ("query tower", "search", "trees")


@contextmanager
def noting(owner: Any, name: str, calls: dict[str, tuple[Callable[..., Any], Any, Any]]) -> Iterator[None]:
    """Notes what one of serving's functions is called with."""
    real = getattr(owner, name)

    def note(*arguments: Any, **named: Any) -> Any:
        calls[name] = (real, arguments, named)
        return real(*arguments, **named)

    setattr(owner, name, note)
    try:
        yield
    finally:
        setattr(owner, name, real)


def measure(seconds: list[float], run: Callable[[], Any]) -> None:
    """Adds the seconds that one run takes."""
    began = time.perf_counter()
    run()
    seconds.append(time.perf_counter() - began)


def time_parts(bundle: Bundle, recommender: Recommender, users: list[str], k: int) -> dict[str, float]:
    """Median milliseconds of the parts, and of the whole."""
    timed: dict[str, list[float]] = defaultdict(list)
    for user in users:
        measure(timed["recommend"], lambda user=user: recommender.recommend([user], k))
        measure(timed["recommend, reasons"], lambda user=user: recommender.recommend([user], k, explain=True))
        calls: dict[str, tuple[Callable[..., Any], Any, Any]] = {}
        with (
            noting(serving, "embed_queries", calls),
            noting(type(recommender._snapshot._index), "search", calls),
            noting(Ranker, "score", calls),
        ):
            recommender.recommend([user], k)
        for part, name in zip(PARTS, ("embed_queries", "search", "score"), strict=True):
            if name in calls:
                function, arguments, named = calls[name]
                measure(timed[part], lambda f=function, a=arguments, n=named: f(*a, **n))
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
    time_parts(bundle, recommender, users[:5], given.k)  # warm
    milliseconds = time_parts(bundle, recommender, users, given.k)
    for name, value in milliseconds.items():
        print(f"{name:<22}{value:>8.2f} ms")
    unavoidable = sum(milliseconds.get(part, 0.0) for part in PARTS)
    figures = {
        "recommend_ms": milliseconds["recommend"],
        "parts_ms": unavoidable,
        "ratio": milliseconds["recommend"] / unavoidable,
        "ratio_with_reasons": milliseconds["recommend, reasons"] / unavoidable,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
