"""Settings choose the kind of index."""

import numpy as np

from inference.index.build import build_index
from inference.index.exact import ExactIndex
from inference.index.scann import ScannIndex
from tests.inference.index.kinds import CONFIG, build, draw_items
from training_pipeline.index_config import ExactConfig


def test_exact():
    assert isinstance(build_index(np.eye(2, dtype=np.float32), ExactConfig(name="exact")), ExactIndex)


def test_scann():
    build("scann", draw_items())  # or the test is skipped
    assert isinstance(build_index(draw_items(), CONFIG), ScannIndex)
