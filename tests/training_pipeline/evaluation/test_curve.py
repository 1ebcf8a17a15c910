"""The learning curve is a picture of the epochs it is given, and their numbers."""

import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from matplotlib.image import imread

from training_pipeline.evaluation.curve import draw_learning_curve, write_curve

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


def test_shows_the_values(tmp_path: Path) -> None:
    pictures = []
    for number, objectives in enumerate([(0.1, 0.2, 0.3), (0.3, 0.2, 0.1)]):
        (tmp_path / f"{number}.png").write_bytes(draw(*objectives))
        pictures.append(imread(tmp_path / f"{number}.png"))
    assert pictures[0].shape == pictures[1].shape
    assert not np.array_equal(*pictures)
    assert draw(0.1, 0.2) == draw(0.1, 0.2)


class TestFiles:
    ROWS = ({"epoch": 1, "loss": 4.0, "ndcg": 0.125}, {"epoch": 2, "loss": 3.5, "ndcg": 0.25})

    @pytest.mark.parametrize("with_tensorboard", [False, True])
    def test_numbers_and_picture(self, tmp_path: Path, with_tensorboard: bool) -> None:
        place = tmp_path / "run"
        write_curve(self.ROWS, "ndcg", place, with_tensorboard)
        assert pd.read_csv(place / "curve.csv").to_dict("records") == list(self.ROWS)
        assert (place / "curve.png").read_bytes() == draw_learning_curve(self.ROWS, "ndcg")
        assert (place / "tensorboard").exists() == with_tensorboard

    def test_tensorboard_reads_the_same_numbers(self, tmp_path: Path) -> None:
        write_curve(self.ROWS, "ndcg", tmp_path, with_tensorboard=True)
        (file,) = (tmp_path / "tensorboard").iterdir()
        read = {}
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                read[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
        assert read == {(name, row["epoch"]): row[name] for row in self.ROWS for name in ("loss", "ndcg")}
