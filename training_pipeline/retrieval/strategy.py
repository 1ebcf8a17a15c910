"""How training spreads over devices and machines."""

import json
import os
from functools import cache

import numpy as np
import tensorflow as tf

from feature_pipeline.config import ConfigError
from training_pipeline.config import RetrievalConfig

# Of an epoch, about, where the batch may have the size that this takes.
_STEPS = 170
_SMALLEST_BATCH, _LARGEST_BATCH = 512, 3200


@cache
def get_strategy(name: str) -> tf.distribute.Strategy:
    """The `tf.distribute` strategy of a name; the same one for the whole process.

    Call it before anything else uses TensorFlow: machines must find each other at its start.

    Args:
        name: `default` (one device), `mirrored` (all devices of this machine) or `multi_worker` (several
            machines, as the environment variable TF_CONFIG says).

    Raises:
        ConfigError: `multi_worker` without a TF_CONFIG that tells the workers and which of them this one is.
    """
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multi_worker":
        _check_cluster(os.environ.get("TF_CONFIG", ""))
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def _check_cluster(text: str) -> None:
    try:
        content = json.loads(text)
        (kind,), task = content["cluster"], content["task"]
        is_known = (kind, task["type"]) == ("worker", "worker")
        is_known &= int(task["index"]) in range(len(content["cluster"]["worker"]))
    except (KeyError, TypeError, ValueError):
        is_known = False
    if not is_known:
        raise ConfigError(
            "strategy=multi_worker: expected TF_CONFIG to name the workers and which of them this one is, "
            f"found {text!r}. Remedy: set it on each machine, with its own index, as "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
        )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes what all workers have made."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or resolver.task_id == 0


def divide_batch(
    config: RetrievalConfig, strategy: tf.distribute.Strategy, num_events: int
) -> RetrievalConfig:
    """The settings of one replica: its part of the events that a step predicts.

    Args:
        config: of all replicas together.
        strategy: says how many they are.
        num_events: that an epoch predicts.
    """
    size = config.batch_size or choose_batch_size(num_events)
    return config.model_copy(update={"batch_size": max(size // strategy.num_replicas_in_sync, 1)})


def choose_batch_size(num_events: int) -> int:
    """Events a step: few events make many small steps, many make large ones."""
    return int(np.clip(num_events // _STEPS, _SMALLEST_BATCH, _LARGEST_BATCH))


def count_steps(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> int:
    """Steps of an epoch in which each replica takes one batch a step."""
    return -(-int(batches.cardinality()) // strategy.num_replicas_in_sync)


def distribute(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> tf.data.Dataset:
    """Each replica takes every n-th batch; where the last step lacks some, the first ones come again.

    Args:
        batches: an epoch, the same in all processes.
        strategy: says how many take part.
    """
    if strategy.num_replicas_in_sync == 1:
        return batches
    even = batches.repeat().take(count_steps(batches, strategy) * strategy.num_replicas_in_sync)
    return strategy.distribute_datasets_from_function(
        lambda context: even.shard(context.num_input_pipelines, context.input_pipeline_id)
    )
