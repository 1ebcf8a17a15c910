"""The learning curve: as a picture, as CSV, and for TensorBoard."""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def write_curve(
    rows: Sequence[dict[str, float]], objective: str, place: Path, with_tensorboard: bool
) -> None:
    """Writes `curve.csv` and `curve.png`, and the same numbers as TensorBoard reads them.

    Args:
        rows: one an epoch: `epoch`, `loss`, and the validation metrics.
        objective: name of the validation metric that the picture shows.
        place: folder of the run.
        with_tensorboard: whether to write `tensorboard/` too.
    """
    place.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(place / "curve.csv", index=False)
    (place / "curve.png").write_bytes(draw_learning_curve(rows, objective))
    if not with_tensorboard:
        return
    with tf.summary.create_file_writer(str(place / "tensorboard")).as_default():
        for row in rows:
            for name in row.keys() - {"epoch"}:
                tf.summary.scalar(name, row[name], step=int(row["epoch"]))


def draw_learning_curve(rows: Sequence[dict[str, float]], objective: str) -> bytes:
    """Draws training loss and the validation objective by epoch: a PNG.

    Args:
        rows: one an epoch: `epoch`, `loss` and the objective.
        objective: name of the validation metric in `rows`.
    """
    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(7, 3), layout="constrained")
    loss_axis = figure.subplots()
    metric_axis = loss_axis.twinx()
    (loss,) = loss_axis.plot(epochs, [row["loss"] for row in rows], color="tab:gray", label="training loss")
    (metric,) = metric_axis.plot(
        epochs, [row[objective] for row in rows], color="tab:blue", marker="o", label="validation NDCG@10"
    )
    loss_axis.set(xlabel="epoch", ylabel="training loss")
    metric_axis.set_ylabel("validation NDCG@10")
    loss_axis.legend(handles=[loss, metric], loc="center right", frameon=False)
    loss_axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()
