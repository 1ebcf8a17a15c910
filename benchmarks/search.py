"""What finding the best of many items takes: NumPy's product and partition, the exact index, ScaNN.

    python -m benchmarks.search [--items 1000000] [--dim 64] [--k 500] [--queries 200] [--data towers]

The embeddings are invented, in the likeness of towers trained on MovieLens-1M: items lie in clusters of
uneven sizes, most of what they vary in lies in some ten directions, lengths differ by a third; a query mixes
five items in uneven parts, and noise of half the mixture's size. `--data uniform` draws every number of items
and queries evenly from -1 to 1 instead, which no towers give: without clusters and with as much in one
direction as in any other, ScaNN misses two thirds. The three take turns with the same queries, ten in a
row, so that other work on the machine slows all alike, and each finds its own memory in the processor's
caches, as in a server. NumPy's side is `items @ query` and `np.argpartition`, unsorted and with ties as they
fall. ScaNN's settings are those of `conf/index/scann.yaml`; its recall is the mean share of the exact best
that it finds.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from omegaconf import OmegaConf

from feature_pipeline.config import check_section
from feature_pipeline.entry import CONF
from inference.index.exact import ExactIndex
from inference.index.recall import compute_recall
from inference.index.scann import ScannIndex
from training_pipeline.index_config import ScannConfig

CLUSTERS, FADING, HISTORY, TURN = 2000, 10, 5, 10


def draw_uniform(num_vectors: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Items or queries [num_vectors, dim] float32 without any order."""
    return rng.uniform(-1, 1, (num_vectors, dim)).astype(np.float32)


def draw_items(num_items: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Embeddings [num_items, dim] float32."""
    directions = np.linalg.qr(rng.normal(size=(dim, dim)))[0] * np.exp(-np.arange(dim) / FADING)[:, None]
    centres = rng.normal(size=(CLUSTERS, dim)).astype(np.float32)
    cluster = (rng.power(0.5, num_items) * CLUSTERS).astype(int)
    scattered = rng.normal(scale=0.4, size=(num_items, dim)).astype(np.float32)
    length = rng.lognormal(0, 0.2, (num_items, 1)).astype(np.float32)
    items: np.ndarray = (centres[cluster] + scattered) @ directions.astype(np.float32) * length
    return items


def draw_queries(items: np.ndarray, num_queries: int, rng: np.random.Generator) -> np.ndarray:
    """Queries [num_queries, dim] float32."""
    history = items[rng.integers(0, len(items), (num_queries, HISTORY))]
    weight = rng.dirichlet(np.ones(HISTORY), num_queries)
    mixed = np.einsum("qh,qhd->qd", weight, history)
    queries: np.ndarray = (mixed + rng.normal(scale=0.5 * mixed.std(), size=mixed.shape)).astype(np.float32)
    return queries


def draw(data: str, num_items: int, num_queries: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Items [num_items, dim] float32 and queries [num_queries, dim] float32."""
    rng = np.random.default_rng(0)
    if data == "uniform":
        return draw_uniform(num_items, dim, rng), draw_uniform(num_queries, dim, rng)
    items = draw_items(num_items, dim, rng)
    return items, draw_queries(items, num_queries, rng)


def time_in_turns(
    searches: dict[str, Callable[[np.ndarray], object]], queries: np.ndarray
) -> dict[str, float]:
    """Median milliseconds a query of each search; the first turn warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in searches}
    for start in range(0, len(queries), TURN):
        for name, search in searches.items():
            for query in queries[start : start + TURN]:
                began = time.perf_counter()
                search(query)
                seconds[name].append(time.perf_counter() - began)
    return {name: 1000 * statistics.median(taken[TURN:]) for name, taken in seconds.items()}


def main() -> None:
    """Prints a table, and last a line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--k", type=int, default=500)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--data", choices=["towers", "uniform"], default="towers")
    given = parser.parse_args()
    items, queries = draw(given.data, given.items, given.queries + TURN, given.dim)
    settings = OmegaConf.to_container(OmegaConf.load(CONF / "index" / "scann.yaml"))
    config = check_section(ScannConfig, settings, "index")
    began = time.perf_counter()
    exact, scann = ExactIndex(items), ScannIndex(items, config)
    build_seconds = time.perf_counter() - began
    print(f"{config}, built in {build_seconds:.0f} s", file=sys.stderr)

    milliseconds = time_in_turns(
        {
            "numpy": lambda query: np.argpartition(items @ query, -given.k)[-given.k :],
            "exact": lambda query: exact.search(query[None], given.k),
            "scann": lambda query: scann.search(query[None], given.k),
        },
        queries,
    )
    recall = {f"recall_at_{k}": compute_recall(scann, exact, queries, k) for k in (100, given.k)}
    for name, taken in milliseconds.items():
        print(
            f"{name:<8}{taken:>9.3f} ms a query{milliseconds['numpy'] / taken:>9.1f} times as fast as NumPy"
        )
    for name, share in recall.items():
        print(f"{name:<14}{share:.4f} of the exact best are found by ScaNN")
    result = {
        "benchmark": "search",
        "data": given.data,
        "items": given.items,
        "dim": given.dim,
        "k": given.k,
        **{f"{name}_ms": round(taken, 3) for name, taken in milliseconds.items()},
        "exact_by_numpy": round(milliseconds["exact"] / milliseconds["numpy"], 3),
        "exact_by_scann": round(milliseconds["exact"] / milliseconds["scann"], 1),
        "numpy_by_scann": round(milliseconds["numpy"] / milliseconds["scann"], 1),
        **{name: round(share, 4) for name, share in recall.items()},
        "build_seconds": round(build_seconds, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
