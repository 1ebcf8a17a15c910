"""How much longer a training step takes with a hundred times the items, and how much memory it needs.

    python -m benchmarks.step_time [--few 10000] [--many 1000000]

The same towers, with ids alone, take turns with the same batches over a small and a large corpus; only the
uniform negatives come from all of it. The work of a step should not know how many items there are. Memory, in
processes of their own, should grow by the tables alone: the embeddings, both of Adam's moments, and the
corpus as it was embedded for the last validation, 1,024 bytes an item together, and its name.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from training_pipeline.config import NegativesConfig, RetrievalConfig, TowerConfig, TransformerConfig
from training_pipeline.retrieval.build import build_model
from training_pipeline.retrieval.dataset import Tables, TowerInputs
from training_pipeline.retrieval.inputs import SideInputs, Vocabulary
from training_pipeline.retrieval.lazy_adam import LazyAdam
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.novelty import Novelty

# isort: split
import tensorflow as tf

DIM, LENGTH, ROWS = 64, 50, 64
STEPS, WARM_UP = 60, 10
QUERY = TransformerConfig(
    history="transformer", length=LENGTH, items="candidate", blocks=2, heads=2, with_mean=False
)
NEGATIVES = NegativesConfig(uniform=1024, in_batch=0, hard=0, log_q=True, frequency="counted")
RETRIEVAL = RetrievalConfig(
    embedding_dim=DIM,
    temperature=1.0,
    loss="sampled_softmax",
    negatives=NEGATIVES,
    batch_size=ROWS * LENGTH,
    epochs=1,
    patience=1,
    learning_rate=0.001,
    schedule="constant",
    id_dropout=0.1,
    history_dropout=0.0,
    moment_dropout=0.0,
    dropout=0.2,
    precision="float32",
)


def make_model(num_items: int) -> TwoTowerModel:
    """Towers over ids alone."""
    nothing = SideInputs({}, {}, {})
    items = pd.DataFrame({"item_id": [f"i{number}" for number in range(num_items)]})
    users = pd.DataFrame({"user_id": ["u0"]})
    specs: dict[str, Any] = {"users": [], "items": [], "interactions": []}
    tables = Tables(users, items, pd.DataFrame(), {}, {}, {}, specs, [])
    inputs = TowerInputs(nothing, nothing, nothing, Vocabulary(items["item_id"].tolist(), width=1))
    counts, tower = np.ones(num_items, np.int64), TowerConfig(query=[128], candidate=[128])
    novelty = Novelty.all_known(num_items)
    return build_model(tables, inputs, counts, novelty, tower, QUERY, RETRIEVAL, seed=0)


def draw_batch(num_items: int, rng: np.random.Generator) -> dict[str, Any]:
    """Full windows of items that follow a power law."""
    drawn = rng.power(0.3, (ROWS, LENGTH + 1)) * num_items
    items = np.minimum(drawn, num_items - 1).astype(np.int32)
    times = rng.integers(0, 10**12, (ROWS, LENGTH + 1)).cumsum(axis=1)
    user = np.zeros(ROWS, np.int32)
    windows = {"history": items[:, :-1], "target": items[:, 1:], "times": times, "user": user}
    windows["is_new"] = np.zeros(items[:, 1:].shape, bool)
    windows["weight"] = np.ones(items[:, 1:].shape, np.float32)
    return {**{name: tf.constant(values) for name, values in windows.items()}, "moment": {}}


def time_steps(*sizes: int) -> list[float]:
    """Median seconds of a step over each corpus; they take turns with the same batches."""
    rng, steps = np.random.default_rng(0), []
    seconds: list[list[float]] = [[] for _ in sizes]
    for num_items in sizes:
        model = make_model(num_items)
        model.compile(optimizer=LazyAdam(0.001))
        steps.append(tf.function(model.train_step))
    for _ in range(WARM_UP + STEPS):
        batch = draw_batch(min(sizes), rng)
        for step, taken in zip(steps, seconds, strict=True):
            began = time.perf_counter()
            step(batch)["loss"].numpy()
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken[WARM_UP:]) for taken in seconds]


def measure_memory(num_items: int) -> None:
    """What a process of its own does: a few steps, and its peak memory in MiB."""
    time_steps(num_items)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def read_memory(num_items: int) -> float:
    """Runs that process."""
    command = [sys.executable, "-m", "benchmarks.step_time", "--memory", str(num_items)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Measures both sides and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--memory", type=int)
    given = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(2)
    if given.memory:
        return measure_memory(given.memory)
    # Before this process grows: at first a child's peak is its parent's size.
    grown = read_memory(given.many) - read_memory(given.few)
    few, many = time_steps(given.few, given.many)
    result = {
        "benchmark": "step_time",
        "items": [given.few, given.many],
        "step_ms": [round(1000 * few, 1), round(1000 * many, 1)],
        "bytes_an_item": round(2**20 * grown / (given.many - given.few)),
        "ratio": round(many / few, 3),
    }
    print(json.dumps(result))
    return None


if __name__ == "__main__":
    main()
