"""What the ranker goes by: the importance of each column, as a table and as a picture."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from training_pipeline.ranking.model import Ranker
from training_pipeline.ranking.rows import RankingRows

_ROWS = 4000  # SHAP takes time by their number, and a picture shows no more
_SHOWN = 20


@dataclass(frozen=True)
class Importance:
    """What each column adds to the scores of some rows.

    Attributes:
        table: `feature, importance, effect`, one row a column, the strongest first: effect is the mean
            absolute SHAP value, importance its share of all effects in percent.
        effects: SHAP values [num_rows, num_columns] float32, columns in the order of the table.
        values: the columns' values [num_rows, num_columns] float32; NaN for categories and embeddings.
    """

    table: pd.DataFrame
    effects: np.ndarray
    values: np.ndarray


def measure_importance(ranker: Ranker, rows: RankingRows, seed: int) -> Importance:
    """Explains the scores of rows drawn at random (SHAP, Lundberg et al. 2020).

    Args:
        ranker: whose scores are explained.
        rows: of any queries.
        seed: of the draw.
    """
    count = min(_ROWS, len(rows.query))
    drawn = rows.take(np.sort(np.random.default_rng(seed).choice(len(rows.query), count, replace=False)))
    names = ranker.model.feature_names_
    effects = ranker.explain(drawn)
    effect = np.abs(effects).mean(axis=0, dtype=float)
    share = 100 * effect / max(effect.sum(), np.finfo(float).tiny)
    table = pd.DataFrame({"feature": names, "importance": share, "effect": effect})
    order = np.argsort(-table["effect"].to_numpy(), kind="stable")
    numeric = drawn.frame[drawn.numbers].reindex(columns=names)
    values = numeric.to_numpy(np.float32)[:, order]
    return Importance(table.iloc[order].reset_index(drop=True), effects[:, order], values)


def draw_importance(importance: Importance, seed: int) -> bytes:
    """Draws a SHAP summary: a PNG with one line of dots a column, a dot a row, coloured by its value.

    Args:
        importance: of the strongest columns, `_SHOWN` at most are drawn.
        seed: of the dots' places across their line.
    """
    names = importance.table["feature"][:_SHOWN]
    rng = np.random.default_rng(seed)
    figure = Figure(figsize=(8, 1 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    for line, _ in enumerate(names):
        across = line + rng.uniform(-0.3, 0.3, len(importance.effects))
        colour = _rank(importance.values[:, line])
        missing = np.isnan(colour)
        effect = importance.effects[:, line]
        axes.scatter(effect[missing], across[missing], s=2, color="0.7", rasterized=True)
        shown = axes.scatter(
            effect[~missing], across[~missing], s=2, c=colour[~missing], cmap="coolwarm", vmin=0, vmax=1
        )
    axes.set(xlabel="what it adds to the score (SHAP)", yticks=range(len(names)), yticklabels=names)
    axes.invert_yaxis()
    axes.axvline(0, color="0.4", linewidth=0.8)
    bar = figure.colorbar(shown, ticks=[0, 1], aspect=40)
    bar.ax.set_yticklabels(["low", "high"])
    bar.set_label("value of the column; grey: category or missing")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _rank(values: np.ndarray) -> np.ndarray:
    """Values by rank from 0 to 1, which outliers do not stretch; NaN stays."""
    return (pd.Series(values).rank(pct=True)).to_numpy()
