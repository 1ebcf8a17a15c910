"""Both kinds of index over the same items."""

import numpy as np
import pytest

from inference.index.exact import ExactIndex
from inference.index.index import Index
from inference.index.scann import ScannIndex
from training_pipeline.index_config import ScannConfig

# So few leaves and candidates that not all of some hundred items are looked at.
CONFIG = ScannConfig(name="scann", leaves=24, leaves_to_search=8, reorder=100, min_recall=0.9)
NEEDS_SCANN = "the extra scann is not installed"


def build(kind: str, items: np.ndarray) -> Index:
    """The index of that kind; skips the test where scann is not installed."""
    if kind == "exact":
        return ExactIndex(items)
    pytest.importorskip("scann", reason=NEEDS_SCANN)
    return ScannIndex(items, CONFIG)


def draw_items(num_items: int = 600, dim: int = 8, seed: int = 0) -> np.ndarray:
    """Clustered embeddings [num_items, dim] float32."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, dim))
    return (centres[rng.integers(0, 20, num_items)] + 0.4 * rng.normal(size=(num_items, dim))).astype(
        np.float32
    )
