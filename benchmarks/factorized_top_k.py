"""How much faster a model is validated than by TFRS's own metric, as its documentation uses it.

    python -m benchmarks.factorized_top_k [--queries 6029] [--candidates 3533] [--batch 512]

One two-tower model, of the size of MovieLens-1M, is validated from end to end, embedding included, in rounds:
by `tfrs.metrics.FactorizedTopK(candidates=items.batch(128).map(candidate_tower))`, which streams the
candidates through their tower for every batch of queries, and by ours, which embeds them once. The median
round counts, as other programs disturb the clock; tracing the graphs is not measured. All top-k accuracies
must be the same to the last bit. A third run does what the metric of TFRS cannot: it excludes what each user
has seen, and gives ties their average rank.

The embeddings are rounded to 64ths, so that a score is exact in float32 in whatever order it is added up.
TFRS adds up the score of the true candidate in another order than those of its rivals, and would otherwise
count some true candidates as above themselves.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training_pipeline.retrieval.factorized_top_k import FactorizedTopK  # first: chooses Keras 2

# isort: split
import tensorflow as tf
import tensorflow_recommenders as tfrs

ROUNDS = 5
THREADS = 2
DIM = 64
KS = (1, 5, 10, 50, 100)
SEEN_A_QUERY = 164  # the mean of MovieLens-1M

Accuracies = dict[str, float]


@dataclass(frozen=True)
class Model:
    """Two towers and the queries to validate them on.

    Attributes:
        query_tower: embeds users by row.
        candidate_tower: embeds items by row.
        target: the chosen item of each query [num_queries] int32.
        seen: items that each query has seen [num_queries, SEEN_A_QUERY] int32, never the chosen one.
    """

    query_tower: tf.keras.Model
    candidate_tower: tf.keras.Model
    target: np.ndarray
    seen: np.ndarray


def make_model(num_queries: int, num_candidates: int) -> Model:
    """Towers with random weights; the chosen items stand at all heights of their queries' lists."""
    tf.keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    query_tower, candidate_tower = _build_tower(num_queries), _build_tower(num_candidates)
    scores = query_tower(tf.range(num_queries)) @ tf.transpose(candidate_tower(tf.range(num_candidates)))
    order = np.argsort(-scores.numpy(), axis=1)
    place = np.exp(rng.uniform(0, np.log(num_candidates), num_queries)).astype(int) - 1
    target = order[np.arange(num_queries), place].astype(np.int32)
    steps = rng.integers(1, num_candidates, (num_queries, SEEN_A_QUERY))
    seen = ((target[:, None] + steps) % num_candidates).astype(np.int32)
    return Model(query_tower, candidate_tower, target, seen)


def _build_tower(num_rows: int) -> tf.keras.Model:
    return tf.keras.Sequential(
        [
            tf.keras.layers.Embedding(
                num_rows, DIM, embeddings_initializer=tf.keras.initializers.RandomNormal()
            ),
            tf.keras.layers.Dense(DIM, kernel_initializer=tf.keras.initializers.RandomNormal(stddev=2.0)),
            tf.keras.layers.Lambda(lambda embeddings: tf.round(embeddings * 64) / 64),
        ]
    )


def build_theirs(model: Model, num_candidates: int, batch_size: int) -> Callable[[], Accuracies]:
    """Validation by TFRS."""
    items = tf.data.Dataset.range(num_candidates)
    metric = tfrs.metrics.FactorizedTopK(candidates=items.batch(128).map(model.candidate_tower), ks=KS)
    batches = _batch(model, batch_size)

    @tf.function(reduce_retracing=True)
    def step(user: tf.Tensor, target: tf.Tensor, _: tf.Tensor) -> None:
        metric.update_state(model.query_tower(user), model.candidate_tower(target))

    def validate() -> Accuracies:
        metric.reset_states()
        for batch in batches:
            step(*batch)
        return _read(metric)

    return validate


def build_ours(
    model: Model, num_candidates: int, batch_size: int, excluding: bool
) -> Callable[[], Accuracies]:
    """Validation by the product; `excluding` takes seen items out and averages ties, as in training."""
    metric = FactorizedTopK(num_candidates, DIM, KS, ties="average" if excluding else "best")
    batches = _batch(model, batch_size)

    @tf.function(reduce_retracing=True)
    def step(user: tf.Tensor, target: tf.Tensor, seen: tf.Tensor) -> None:
        metric.update_state(model.query_tower(user), target, seen if excluding else seen[:, :0])

    embed = tf.function(model.candidate_tower)

    def validate() -> Accuracies:
        metric.reset_states()
        metric.set_candidates(embed(tf.range(num_candidates)))
        for batch in batches:
            step(*batch)
        return _read(metric)

    return validate


def _batch(model: Model, batch_size: int) -> tf.data.Dataset:
    rows = np.arange(len(model.target))
    return tf.data.Dataset.from_tensor_slices((rows, model.target, model.seen)).batch(batch_size).prefetch(1)


def _read(metric: tfrs.metrics.Factorized) -> Accuracies:
    return {part.name: float(part.result()) for part in metric.metrics if "accuracy" in part.name}


def measure(
    sides: dict[str, Callable[[], Accuracies]],
) -> tuple[dict[str, list[float]], dict[str, Accuracies]]:
    """Seconds of each round and the accuracies of each side; the sides take turns."""
    accuracies = {side: validate() for side, validate in sides.items()}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(ROUNDS):
        for side, validate in sides.items():
            began = time.perf_counter()
            validate()
            seconds[side].append(time.perf_counter() - began)
        shown = ", ".join(f"{side} {values[-1]:.3f} s" for side, values in seconds.items())
        print(f"round {number + 1}/{ROUNDS}: {shown}", file=sys.stderr)
    return seconds, accuracies


def main() -> None:
    """Prints a table on stderr and one JSON object on stdout."""
    parser = argparse.ArgumentParser(prog="benchmarks.factorized_top_k")
    parser.add_argument("--queries", type=int, default=6029)
    parser.add_argument("--candidates", type=int, default=3533)
    parser.add_argument("--batch", type=int, default=512, help="queries a batch, on all sides")
    given = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    model = make_model(given.queries, given.candidates)
    sides = {
        "tfrs": build_theirs(model, given.candidates, given.batch),
        "ours": build_ours(model, given.candidates, given.batch, excluding=False),
        "ours_excluding": build_ours(model, given.candidates, given.batch, excluding=True),
    }
    seconds, accuracies = measure(sides)
    medians = {side: statistics.median(values) for side, values in seconds.items()}
    ratios = [theirs / ours for theirs, ours in zip(seconds["tfrs"], seconds["ours"], strict=True)]
    result = {
        "benchmark": "factorized_top_k",
        "queries": given.queries,
        "candidates": given.candidates,
        "batch": given.batch,
        "threads": THREADS,
        **{f"{side}_seconds": round(value, 4) for side, value in medians.items()},
        "ratio": round(medians["tfrs"] / medians["ours"], 1),
        "ratio_min": round(min(ratios), 1),
        "ratio_max": round(max(ratios), 1),
        "ratio_excluding": round(medians["tfrs"] / medians["ours_excluding"], 1),
        "equal": accuracies["tfrs"] == accuracies["ours"],
        "accuracies": {f"top_{k}": round(a, 6) for k, a in zip(KS, accuracies["ours"].values(), strict=True)},
    }
    for name, value in result.items():
        print(f"{name:<24}{value}", file=sys.stderr)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
