"""The area under the ROC curve: how well one score alone tells two kinds of rows apart."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Verdict:
    """What a probe says of one column.

    Attributes:
        auc: how well the column alone tells chosen items from others, in [0, 1].
        example: a row with its values.
    """

    auc: float
    example: str


def compute_auc(scores: np.ndarray, is_positive: np.ndarray) -> float:
    """Chance that a positive row scores higher than a negative one, a tie counting half.

    Args:
        scores: [num_rows] float64; what is missing scores lowest.
        is_positive: [num_rows] bool, of both kinds.
    """
    ranks = rankdata(_fill(scores))
    positives = int(is_positive.sum())
    wins = ranks[is_positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * (len(scores) - positives)))


def compute_query_auc(scores: np.ndarray, is_there: np.ndarray) -> float:
    """The same within each query: chance that the target scores higher than another candidate of its query.

    Args:
        scores: [num_queries, num_candidates] float64, the target first; what is missing scores lowest.
        is_there: which candidates count [num_queries, num_candidates] bool.
    """
    filled = _fill(scores)
    target, others = filled[:, :1], filled[:, 1:]
    wins = (target > others) + 0.5 * (target == others)
    return float(wins[is_there[:, 1:]].mean())


def ignore_direction(auc: float) -> float:
    """The AUC of the score or of its opposite, whichever is larger."""
    return max(auc, 1 - auc)


def _fill(scores: np.ndarray) -> np.ndarray:
    filled: np.ndarray = np.where(np.isnan(scores), -np.inf, scores)
    return filled
