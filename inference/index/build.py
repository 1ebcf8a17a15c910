"""From settings to an index."""

import numpy as np

from inference.index.exact import ExactIndex
from inference.index.index import Index
from inference.index.scann import ScannIndex
from training_pipeline.index_config import ExactConfig, IndexConfig


def build_index(item_embeddings: np.ndarray, config: IndexConfig) -> Index:
    """Builds the index over all items [num_items, dim] float32.

    Raises:
        ImportError: scann is asked for and not installed; `read_index` says so before.
    """
    if isinstance(config, ExactConfig):
        return ExactIndex(item_embeddings)
    return ScannIndex(item_embeddings, config)
