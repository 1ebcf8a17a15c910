"""Ranking scores -> chances that the user chooses the item, and how far these are from what happened."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

Method = Literal["isotonic", "platt"]
# No chance is told that held-out queries could not bear out.
_LEAST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Turns scores into chances: linear between the points, flat beyond them.

    Ranking losses know differences within a query alone, so what is read is a score's logarithmic share among
    the scores of its query. It is fitted on all candidates of queries that the ranker has not seen; so the
    chances hold for whole candidate lists, however many negatives the ranker has learned from.

    Attributes:
        shares: logarithmic shares, ascending.
        chances: of each.
    """

    shares: list[float]
    chances: list[float]

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Chances [num_queries, num_candidates] float32 in [0, 1]; 0 where padded.

        Args:
            scores: of the candidates [num_queries, num_candidates] float32, minus infinity where padded.
        """
        chances = np.interp(compute_shares(scores), *self._points)
        return np.where(np.isneginf(scores), 0, chances).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for the bundle."""
        return {"shares": self.shares, "chances": self.chances}

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.shares), np.array(self.chances)


def fit_calibration(scores: np.ndarray, chosen: np.ndarray, method: Method) -> Calibration:
    """Fits chances by isotonic regression (Zadrozny and Elkan 2002), or a sigmoid (Platt 1999).

    Args:
        scores: of candidates of queries that the ranker has not seen [num_queries, num_candidates] float32,
            minus infinity where padded.
        chosen: whether the user chose the candidate [num_queries, num_candidates] bool.
        method: `isotonic` bends as the data say; `platt` has two parameters, for few queries.
    """
    there = ~np.isneginf(scores)
    shares, label = compute_shares(scores)[there], chosen[there]
    if method == "isotonic":
        fitted = IsotonicRegression(y_min=_LEAST, y_max=1 - _LEAST).fit(shares, label)
        return Calibration(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist())
    points = np.linspace(shares.min(), shares.max(), 200)
    if label.all() or not label.any():
        return Calibration([0.0], [float(np.clip(label.mean(), _LEAST, 1 - _LEAST))])
    line = LogisticRegression(C=np.inf).fit(shares[:, None], label)
    return Calibration(points.tolist(), expit(line.coef_[0, 0] * points + line.intercept_[0]).tolist())


def compute_shares(scores: np.ndarray) -> np.ndarray:
    """Logarithm of each score's share in the softmax of its query [num_queries, num_candidates] float64."""
    there = np.isfinite(scores).any(axis=1, keepdims=True)
    scores = np.where(there, scores.astype(np.float64), 0)
    # SciPy's log_softmax, without what it looks at first, which takes longer for one query.
    below = scores - scores.max(axis=1, keepdims=True)
    shares: np.ndarray = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
    return shares


@dataclass(frozen=True)
class Reliability:
    """Chances told against shares seen, in bins of about equally many candidates.

    Attributes:
        told: mean chance of each bin.
        seen: share of its candidates that were chosen.
        error: expected calibration error, the mean distance of the two (Naeini et al. 2015).
    """

    told: list[float]
    seen: list[float]
    error: float


def measure_reliability(chances: np.ndarray, chosen: np.ndarray, bins: int = 15) -> Reliability:
    """Compares chances with what happened.

    Args:
        chances: [num_candidates] float.
        chosen: [num_candidates] bool.
        bins: how many at most.
    """
    if not len(chances):
        return Reliability([], [], 0.0)
    # Candidates of one chance share a bin: isotonic regression tells the same of many.
    borders = np.unique(np.quantile(chances, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    place = np.searchsorted(borders, chances, side="left")
    sizes = np.bincount(place)
    told, seen = (np.bincount(place, weights=values)[sizes > 0] for values in (chances, chosen))
    sizes = sizes[sizes > 0]
    error = np.abs(told - seen).sum() / sizes.sum()
    return Reliability((told / sizes).tolist(), (seen / sizes).tolist(), float(error))
