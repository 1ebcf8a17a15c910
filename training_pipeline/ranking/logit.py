"""What all numbers of a candidate say together, as a sum: what the trees of the ranker start from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from training_pipeline.ranking.rows import SECONDS_SINCE, RankingRows

# Seconds since the last item: in the same instant, in one go, in one sitting, or later; or unknown.
_LATER = np.array([1.0, 60.0, 3600.0])
_NUM_KINDS = len(_LATER) + 2
# Priors in units of what a query's candidates differ by: the one hardly shrinks what many queries agree on,
# the other has each kind of moment differ from the rest only where it must.
_RIDGE, _RIDGE_APART = 10.0, 80.0
_STEPS = 100  # of the search at most
# What all rows add, column by column and in float64, would be most of the memory that a run needs.
_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Logit:
    """A conditional logit of the candidates' numbers (McFadden, 1974).

    A query chooses candidate i with probability `exp(s_i) / sum_j exp(s_j)`. The score s is a sum over
    columns, of each number as it is and as its logarithm. It has few weights where trees have thousands of
    leaves: so it learns from few queries, and the trees after it have only to mend what a sum cannot say.

    What counts straight after the last item is not what counts a day later: each kind of moment has weights
    of its own, drawn towards those of all. The kinds are told apart by `SECONDS_SINCE`.

    Attributes:
        names: the columns that it reads.
        low: the least value that it has learned from [num_columns] float64; beyond it, as in a tree, nothing
            changes any more.
        high: the greatest [num_columns] float64.
        unit: from which size on a value counts by its logarithm [num_columns] float64.
        slope: what a column adds for each unit more [num_kinds, num_columns] float64.
        bend: what it adds for each unit of its logarithm more [num_kinds, num_columns] float64.
        middle: what it adds on average, and is taken away again, so that an unknown value adds nothing
            [num_kinds, num_columns] float64.
    """

    names: list[str]
    low: np.ndarray
    high: np.ndarray
    unit: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    middle: np.ndarray

    def explain(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """What each of its columns adds to the scores [num_rows, num_columns] float64; 0 for what is unknown.

        Args:
            columns: of the rows, by name [num_rows] each.
        """
        values = np.clip(_stack(columns, self.names), self.low, self.high)
        kind = _find_kinds(columns)
        added = self.slope[kind] * values + self.bend[kind] * _bend(values, self.unit) - self.middle[kind]
        return np.where(np.isnan(added), 0, added)

    def score(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """What they add together [num_rows] float64; higher is better, within a query only."""
        rows = len(next(iter(columns.values()), ()))
        total = np.empty(rows)
        for start in range(0, rows, _ROWS_AT_ONCE):
            block = slice(start, start + _ROWS_AT_ONCE)
            added = self.explain({name: values[block] for name, values in columns.items()})
            # Each row lies in one piece: it is summed in the same order, however many there are.
            total[block] = np.ascontiguousarray(added).sum(axis=1)
        return total

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        return {n: list(v) if isinstance(v, list) else v.tolist() for n, v in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Logit":
        """The inverse of `to_json`."""
        arrays = {name: np.array(values, float) for name, values in content.items() if name != "names"}
        return cls(list(content["names"]), **arrays)


def fit_logit(
    rows: RankingRows, chosen: np.ndarray, monotone: Mapping[str, int], taught: np.ndarray | None = None
) -> Logit:
    """Finds the weights by which what was chosen was most likely, less a ridge.

    Args:
        rows: candidates of each query.
        chosen: whether the user then chose the row's item [num_rows] bool; some is.
        monotone: columns whose score may only rise (1) or only fall (-1) with them.
        taught: how much each row teaches [num_rows] float32, in the sense of CatBoost's `QuerySoftMax`: so
            often it was chosen, and so often it stands among the candidates; None for once each.
    """
    columns, starts = rows.columns, np.flatnonzero(np.diff(rows.query, prepend=-1))
    # What is the same for all candidates of a query moves none before another.
    names = [name for name in rows.numbers if _varies(columns[name], starts)]
    count = len(names)
    low, high, unit = np.empty((3, count))
    mean, scale = np.empty((2, 2 * count))
    # One column after the other: all of them as float64 would be the most memory that a whole run needs.
    terms = np.empty((len(rows.query), 2 * count), np.float32)
    for place, name in enumerate(names):
        values = columns[name].astype(float)
        low[place], high[place] = np.nanmin(values), np.nanmax(values)
        unit[place] = np.nanmean(np.abs(values)) / 10
        for at, term in ((place, values), (count + place, _bend(values, unit[place]))):
            mean[at] = np.nanmean(term)
            centred = np.where(np.isnan(term), 0, term - mean[at])
            scale[at] = _measure_spread(centred, starts)
            terms[:, at] = centred / scale[at]
    kind = _find_kinds(columns)
    often = np.ones(len(chosen)) if taught is None else taught.astype(float)
    weights = _search(_Loss(terms, kind, starts, chosen, often), _bound(names, monotone)) / scale
    slope, bend = np.split(weights, 2, axis=1)
    middle = np.add(*np.split(weights * mean, 2, axis=1))
    return Logit(names, low, high, unit, slope, bend, middle)


def _find_kinds(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The kind of moment of each row [num_rows] int; the last where it, or the past, is unknown."""
    rows = len(next(iter(columns.values()), ()))
    since = columns.get(SECONDS_SINCE, np.full(rows, np.nan))
    return np.where(np.isnan(since), _NUM_KINDS - 1, np.searchsorted(_LATER, since, side="right"))


def _stack(columns: Mapping[str, np.ndarray], names: list[str]) -> np.ndarray:
    """Columns side by side [num_rows, num_names] float64."""
    rows = len(next(iter(columns.values()), ()))
    stacked = np.empty((rows, len(names)))
    for place, name in enumerate(names):
        stacked[:, place] = columns[name]
    return stacked


def _bend(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """The logarithm of sizes, with the values' sign; a straight line near 0."""
    bent: np.ndarray = np.sign(values) * np.log1p(np.abs(values) / unit)
    return bent


def _varies(values: np.ndarray, starts: np.ndarray) -> bool:
    """Whether the candidates of any query differ in what is known of them."""
    highest, lowest = np.fmax.reduceat(values, starts), np.fmin.reduceat(values, starts)
    return bool((highest > lowest).any())


def _measure_spread(term: np.ndarray, starts: np.ndarray) -> float:
    """How far candidates lie from the mean of their query, never 0.

    Args:
        term: of all candidates [num_rows] float64.
        starts: first row of each query [num_queries] int.
    """
    counts = np.diff(starts, append=len(term))
    means = np.add.reduceat(term, starts) / counts
    spread = np.sqrt(np.mean((term - np.repeat(means, counts)) ** 2))
    return max(float(spread), float(np.finfo(np.float32).tiny))


def _bound(names: list[str], monotone: Mapping[str, int]) -> list[tuple[float, float]]:
    """The least and the greatest weight of each term: both terms of a column rise with it."""
    limits = {0: (-np.inf, np.inf), 1: (0, np.inf), -1: (-np.inf, 0)}
    return [limits[monotone.get(name, 0)] for name in names] * 2


class _Loss:
    """How unlikely what was chosen is by some weights, and a ridge.

    The weights of all moments stand first, then how each kind departs from them: [1 + num_kinds, num_terms].

    Args:
        terms: [num_rows, num_terms] float32.
        kind: of each row's moment [num_rows] int.
        starts: first row of each query [num_queries] int.
        chosen: [num_rows] bool.
        often: how much each row teaches [num_rows] float64.
    """

    def __init__(
        self, terms: np.ndarray, kind: np.ndarray, starts: np.ndarray, chosen: np.ndarray, often: np.ndarray
    ):
        self.shape = _NUM_KINDS + 1, terms.shape[1]
        self._blocks = [terms[kind == number] for number in range(_NUM_KINDS)]
        self._rows = [np.flatnonzero(kind == number) for number in range(_NUM_KINDS)]
        self._ridge = np.array([_RIDGE] + [_RIDGE_APART] * len(self._rows))[:, None]
        self._starts, self._counts = starts, np.diff(starts, append=len(terms))
        self._often, self._chosen = often, often * chosen
        self._choices = np.add.reduceat(self._chosen, starts)

    def measure(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss at some weights and its gradient, both flat [(1 + num_kinds) * num_terms] float64."""
        weights = flat.reshape(self.shape)
        scores = self._score(weights)
        scores -= np.repeat(np.maximum.reduceat(scores, self._starts), self._counts)
        raised = self._often * np.exp(scores)
        total = np.add.reduceat(raised, self._starts)
        loss = self._choices @ np.log(total) - self._chosen @ scores + (self._ridge * weights**2).sum()
        missed = raised * np.repeat(self._choices / total, self._counts) - self._chosen
        gradient = 2 * self._ridge * weights + self._attribute(missed.astype(np.float32))
        return float(loss), gradient.ravel()

    def _score(self, weights: np.ndarray) -> np.ndarray:
        scores = np.empty(len(self._chosen))
        for rows, block, apart in zip(self._rows, self._blocks, weights[1:], strict=True):
            scores[rows] = block @ (weights[0] + apart).astype(np.float32)
        return scores

    def _attribute(self, missed: np.ndarray) -> np.ndarray:
        """What is too much or too little of each row, by terms and kinds; as the weights."""
        apart = [missed[rows] @ block for rows, block in zip(self._rows, self._blocks, strict=True)]
        return np.stack([np.sum(apart, axis=0), *apart])


def _search(loss: _Loss, bounds: list[tuple[float, float]]) -> np.ndarray:
    """The weights of each kind with the least loss [num_kinds, num_terms] float64.

    Where a weight may have one sign alone, so may the departures from it.

    Args:
        loss: is to be least.
        bounds: of each term's weight.
    """
    weights = np.zeros(loss.shape)
    if weights.size:
        # SciPy's types know neither a loss that gives its gradient too nor plain lists of limits.
        measure: Any = loss.measure
        limits: Any = bounds * loss.shape[0]
        options: Any = {"maxiter": _STEPS}
        found: Any = minimize(
            measure, weights.ravel(), jac=True, method="L-BFGS-B", bounds=limits, options=options
        )
        weights = found.x.reshape(loss.shape)
    every: np.ndarray = weights[0] + weights[1:]
    return every
