"""Percentile bootstrap over queries (Efron, 1979): how far a mean would move with other, similar queries.

The resamples depend only on the seed and the number of queries, so models measured on the same queries are
resampled alike and their differences stay paired.
"""

from collections.abc import Iterator

import numpy as np

CONFIDENCE = 0.95

_DRAWS_AT_ONCE = 4_000_000  # bounds the working memory to about 100 MB


def bootstrap_means(values: np.ndarray, seed: int, resamples: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95 % percentile interval of each metric's mean over queries.

    Args:
        values: `[num_queries, num_metrics] float64`, finite.
        seed: Fixes the resamples.
        resamples: How many times the queries are drawn again, with replacement.

    Returns:
        The low and the high ends, each `[num_metrics] float64`. One query gives its value for both.

    Raises:
        ValueError: There are no queries, or a value is not finite.
    """
    _check_values(values)
    num_queries = len(values)
    means = [counts @ values / num_queries for counts in _draw_counts(num_queries, seed, resamples)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return low, high


def paired_difference(
    a: np.ndarray, b: np.ndarray, seed: int, resamples: int = 1000
) -> tuple[float, float, float]:
    """Compute mean(a) - mean(b) of one metric on the same queries, with its 95 % interval.

    An interval above 0 says that a beats b.

    Args:
        a: `[num_queries] float64`, one value a query.
        b: `[num_queries] float64`, of the same queries in the same order.
        seed: Fixes the resamples.
        resamples: How many times the queries are drawn again, with replacement.

    Returns:
        The difference, and the low and high ends of its interval.

    Raises:
        ValueError: The shapes differ, there are no queries, or a value is not finite.
    """
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(
            f"a, b: expected one value a query from the same queries, got shapes {a.shape}, {b.shape}"
        )
    differences = a - b
    low, high = bootstrap_means(differences[:, None], seed, resamples)
    return float(differences.mean()), float(low[0]), float(high[0])


def _draw_counts(num_queries: int, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """Yield `[chunk, num_queries] float64`: how often each query is drawn in each resample (multinomial)."""
    rng = np.random.default_rng(seed)
    chunk = max(1, _DRAWS_AT_ONCE // num_queries)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = rng.integers(num_queries, size=(rows, num_queries))
        cells = (drawn + num_queries * np.arange(rows)[:, None]).ravel()
        yield np.bincount(cells, minlength=rows * num_queries).reshape(rows, num_queries).astype(np.float64)


def _check_values(values: np.ndarray) -> None:
    if values.ndim != 2 or len(values) == 0:
        raise ValueError(
            f"values: expected shape [num_queries, num_metrics] with at least one query, got "
            f"{list(values.shape)}; leave out segments without queries"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"values: expected finite numbers, got {np.count_nonzero(~np.isfinite(values))} others"
        )
