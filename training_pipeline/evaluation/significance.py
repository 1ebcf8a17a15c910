"""Whether one model is better than others on the same queries, and not by luck."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import ttest_rel

from training_pipeline.evaluation.bootstrap import paired_difference


@dataclass(frozen=True)
class Difference:
    """One model's mean over queries minus another's.

    Attributes:
        model: the one.
        against: the other.
        value: the difference; above 0 where `model` is better.
        low: low end of its 95 % bootstrap interval over queries.
        high: high end.
        p_value: chance of a difference as large if there were none, corrected for all that `model` is
            compared with.
    """

    model: str
    against: str
    value: float
    low: float
    high: float
    p_value: float


def compare_with_each(
    model: str, values: np.ndarray, others: Mapping[str, np.ndarray], seed: int
) -> list[Difference]:
    """Compares a model with each of some others by paired t-tests, corrected after Holm.

    The t-test holds its level on the usual metrics at usual numbers of queries (Urbano et al. 2019).

    Args:
        model: name.
        values: its metric by query [num_queries] float64.
        others: the same of each other model, by name.
        seed: of the bootstrap.
    """
    p_values = correct_after_holm(np.array([_test(values, other) for other in others.values()]))
    return [
        Difference(model, name, *paired_difference(values, other, seed), p_value=float(p))
        for (name, other), p in zip(others.items(), p_values, strict=True)
    ]


def correct_after_holm(p_values: np.ndarray) -> np.ndarray:
    """Corrects p-values for how many there are, so that all together keep their level (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1 and so on; none gets below one that was smaller.

    Args:
        p_values: [num_tests] float64.

    Returns:
        [num_tests] float64, at most 1, in the same order.
    """
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return corrected


def _test(a: np.ndarray, b: np.ndarray) -> float:
    # Of models that do alike on every query there is nothing to test.
    return 1.0 if len(a) < 2 or (a == b).all() else float(ttest_rel(a, b).pvalue)
