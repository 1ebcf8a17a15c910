"""Examples -> query embeddings, by a tower in memory or one loaded from a bundle."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from training_pipeline.retrieval.dataset import Examples


def embed_queries(
    tower: Callable[[dict[str, Any]], tf.Tensor],
    examples: Examples,
    users: Mapping[str, np.ndarray],
    item_embeddings: np.ndarray,
    item_index: np.ndarray,
    batch_size: int = 1024,
) -> np.ndarray:
    """Embeds queries.

    Args:
        tower: the query tower.
        examples: who asks, when, after which items.
        users: encoded features of the users table.
        item_embeddings: [num_items, embedding_dim] float32, which the histories point into.
        item_index: the items' places in the vocabulary [num_items] int32.
        batch_size: queries at once.

    Returns:
        [num_queries, embedding_dim] float32.
    """
    embedded = [np.zeros((0, item_embeddings.shape[1]), np.float32)]
    for start in range(0, len(examples.user), batch_size):
        batch = examples.take(np.arange(start, min(start + batch_size, len(examples.user))))
        history = batch["history"]
        items = np.maximum(history, 0)
        query = {
            "user": {name: values[batch["user"]] for name, values in users.items()},
            "moment": batch["moment"],
            "untimed": batch["untimed"],
            "history": {
                "vectors": item_embeddings[items],
                "index": item_index[items],
                "mask": history >= 0,
                "times": batch["times"],
            },
        }
        embedded.append(tower(tf.nest.map_structure(tf.constant, query)).numpy()[:, 0])
    return np.concatenate(embedded)
