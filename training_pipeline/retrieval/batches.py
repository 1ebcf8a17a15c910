"""The batches that the two towers train and validate on, as tf.data sets."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from training_pipeline.retrieval.dataset import Examples, TrainingExamples
from training_pipeline.retrieval.windows import NONE, plan_batches


def build_training_data(
    training: TrainingExamples,
    batch_size: int,
    history_dropout: float,
    moment_dropout: float,
    rng: np.random.Generator,
) -> tf.data.Dataset:
    """One epoch of shuffled batches for `TwoTowerModel.compute_loss`.

    Args:
        training: windows of the training events.
        batch_size: chosen items a step, about.
        history_dropout: share of the windows shown as if nothing were known of their users' past. A user's
            own first event weighs as much as any other does without its past: first choices are of a kind of
            their own, and all that a new user will choose counts.
        moment_dropout: share of the other queries, but for users' first, that are asked at a moment nobody
            knows, see `forget_moments`.
        rng: draws the order, and what is hidden.
    """
    history, targets = training.examples.history, training.target.shape[1]
    num_events = (history >= 0).sum(axis=1) + 1
    batches = plan_batches(num_events, history.shape[1], targets, batch_size, rng)
    # Of their own, so that the other draws are the same whatever the share.
    (draws,) = rng.spawn(1)

    def generate() -> Iterator[dict[str, Any]]:
        for rows, width in batches:
            batch, asked = training.take(rows), min(targets, width)
            hidden = rng.random(len(rows)) < history_dropout
            is_first = batch["history"][:, -targets:] == NONE
            batch["weight"][is_first & ~hidden[:, None]] *= history_dropout or 1
            for name, values in batch["moment"].items():
                values[hidden] = training.unknown[name][rows[hidden]]
            batch["history"][hidden] = NONE
            untimed = draws.random(is_first.shape) < moment_dropout
            untimed &= ~is_first & ~hidden[:, None]
            window, place = np.nonzero(untimed)
            for name, values in batch["moment"].items():
                values[untimed] = training.former[name][rows[window], place]
            yield {
                "user": batch["user"],
                "moment": {name: values[:, -asked:] for name, values in batch["moment"].items()},
                "history": batch["history"][:, -width:],
                "times": batch["times"][:, -(width + 1) :],
                "untimed": untimed[:, -asked:],
                "target": batch["target"][:, -asked:],
                "is_new": batch["is_new"][:, -asked:],
                "weight": batch["weight"][:, -asked:],
            }

    data = tf.data.Dataset.from_generator(generate, output_signature=_build_signature(training.examples))
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(4)


def _build_signature(examples: Examples) -> dict[str, Any]:
    """Shapes and types of a batch of windows."""
    grid = tf.TensorSpec([None, None], tf.int32)
    moment = {
        name: tf.TensorSpec([None, None, *values.shape[2:]], values.dtype)
        for name, values in examples.moment.items()
    }
    return {
        "user": tf.TensorSpec([None], tf.int32),
        "moment": moment,
        **dict.fromkeys(("history", "target"), grid),
        "times": tf.TensorSpec([None, None], tf.int64),
        **dict.fromkeys(("untimed", "is_new"), tf.TensorSpec([None, None], tf.bool)),
        "weight": tf.TensorSpec([None, None], tf.float32),
    }


def build_validation_data(
    examples: Examples, relevant: sp.csr_array, seen: sp.csr_array, batch_size: int = 512
) -> tf.data.Dataset:
    """Batches for `TwoTowerModel.test_step`: one row for each (query, target) pair.

    Args:
        examples: one for each query.
        relevant: chosen items [num_queries, num_items] bool.
        seen: items to exclude [num_queries, num_items] bool.
        batch_size: pairs a step.
    """
    query, target = relevant.nonzero()
    past = seen[query]
    seen_rows = tf.RaggedTensor.from_row_splits(past.indices.astype(np.int32), past.indptr.astype(np.int64))
    content = {**examples.take(query), "target": target.astype(np.int32), "seen": seen_rows}
    pairs = tf.data.Dataset.from_tensor_slices(content).batch(batch_size)
    return pairs.map(lambda batch: {**batch, "seen": batch["seen"].to_tensor(-1)}).prefetch(4)
