"""The learning curve is a picture of the epochs it is given."""

import struct

import numpy as np
import pytest
from matplotlib.image import imread

from training_pipeline.evaluation.figures import draw_learning_curve

PNG = b"\x89PNG\r\n\x1a\n"


def draw(*objectives: float) -> bytes:
    rows = [{"epoch": n, "loss": 5.0 - n, "ndcg": value} for n, value in enumerate(objectives, start=1)]
    return draw_learning_curve(rows, "ndcg")


@pytest.mark.parametrize("objectives", [(0.1,), (0.1, 0.3, 0.2)])
def test_is_a_png(objectives: tuple[float, ...]) -> None:
    picture = draw(*objectives)
    assert picture.startswith(PNG)
    width, height = struct.unpack(">II", picture[16:24])
    assert width > height > 100


def test_shows_the_values(tmp_path) -> None:
    pictures = []
    for number, objectives in enumerate([(0.1, 0.2, 0.3), (0.3, 0.2, 0.1)]):
        (tmp_path / f"{number}.png").write_bytes(draw(*objectives))
        pictures.append(imread(tmp_path / f"{number}.png"))
    assert pictures[0].shape == pictures[1].shape
    assert not np.array_equal(*pictures)
    assert draw(0.1, 0.2) == draw(0.1, 0.2)
