"""One training run over several logical devices of this machine.

It takes a process of its own, as TensorFlow fixes its devices at its start.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from feature_pipeline.config import SplitConfig
from tests.tiny_store import ENGINE, write_tiny_store
from tests.training_pipeline.invented import MEAN, make_model, make_retrieval
from training_pipeline.prepare import prepare
from training_pipeline.retrieval.batches import build_training_data, build_validation_data
from training_pipeline.retrieval.fit import fit_model
from training_pipeline.retrieval.strategy import count_steps, distribute, divide_batch, get_strategy

GLOBAL_BATCH = 64
# Nothing is drawn: the loss of a batch is the mean of its parts' losses.
SETTINGS: dict[str, Any] = {"loss": "full_softmax", "batch_size": GLOBAL_BATCH, "learning_rate": 0.02}


def train(strategy: tf.distribute.Strategy, place: Path) -> list[dict[str, float]]:
    """The learning curve; each step's batches are the same events, however many replicas share them."""
    prepared = prepare(write_tiny_store(place), SplitConfig(name="temporal"), ENGINE, MEAN)
    config = divide_batch(make_retrieval(**SETTINGS), strategy, num_events=0)
    tf.keras.utils.set_random_seed(0)
    with strategy.scope():
        model = make_model(prepared, **SETTINGS)
    training = prepared.build_training_examples()
    held_out = prepared.build_held_out("validation")
    queries = prepared.build_held_out_examples(held_out)

    def draw_epoch(epoch: int) -> tf.data.Dataset:
        whole = build_training_data(training, GLOBAL_BATCH, 0.0, 0.0, np.random.default_rng(epoch))
        count = len(training.target) // GLOBAL_BATCH * strategy.num_replicas_in_sync
        batches = whole.unbatch().batch(config.batch_size, drop_remainder=True).take(count)
        return batches.apply(tf.data.experimental.assert_cardinality(count))

    validation = build_validation_data(queries, held_out.relevant, held_out.seen, batch_size=9)
    return fit_model(model, draw_epoch, validation, config, place / "checkpoints").curve


def list_shares(strategy: tf.distribute.Strategy, count: int) -> list[list[int]]:
    """Which of `count` numbered batches each replica gets, step by step."""
    batches = tf.data.Dataset.range(count).batch(1)
    steps = iter(distribute(batches, strategy))
    return [
        [int(part[0]) for part in strategy.experimental_local_results(next(steps))]
        for _ in range(count_steps(batches, strategy))
    ]


def main() -> None:
    """Arguments: the number of devices, and a folder. Prints curve and shares as one JSON object."""
    device = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[1])
    tf.config.set_logical_device_configuration(device, parts)
    strategy = get_strategy("mirrored")
    shares = list_shares(strategy, 5)
    print(json.dumps({"shares": shares, "curve": train(strategy, Path(sys.argv[2]))}))
