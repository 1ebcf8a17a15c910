"""Every accuracy metric against trec_eval, as ir-measures calls it; ranks with ties against SciPy.

trec_eval breaks ties by the documents' ids, here a relevant item takes the average of the tied ranks, and its
metrics are those at that rank: neither trec_eval's nor their mean over all ways to break the ties. So metrics
are compared where nothing ties, and ties by the ranks alone.
"""

from collections.abc import Iterable

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, SetF, Success, nDCG
from scipy.sparse import csr_array
from scipy.stats import rankdata

from training_pipeline.evaluation.metrics import METRICS, compute_metrics
from training_pipeline.evaluation.ranks import compute_ranks

NUM_QUERIES = 40
CUTOFFS = (1, 2, 3, 5, 10, 20, 50)
Table = dict[str, dict[str, float]]


class Rankings:
    """Queries over items whose scores all differ: some seen, some relevant, a few or all of the rest.

    `run` and `judged` hold what trec_eval reads. Scores are small whole numbers, exact in its 32 bits.
    """

    def __init__(self, num_items: int, most_relevant: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = NUM_QUERIES, num_items
        scores = rng.permuted(np.tile(np.arange(float(num_items)), (NUM_QUERIES, 1)), axis=1)
        shuffled = rng.permuted(np.tile(np.arange(num_items), (NUM_QUERIES, 1)), axis=1)
        relevant = shuffled < rng.integers(1, most_relevant + 1, (NUM_QUERIES, 1))
        seen = ~relevant & (rng.random(shape) < 0.2)
        self.relevant = csr_array(relevant)
        self.ranks = compute_ranks(lambda block: scores[block], self.relevant, csr_array(seen))
        self.sizes = relevant.sum(axis=1)
        self.judged = {
            f"q{query}": {f"d{item}": 1 for item in np.flatnonzero(relevant[query])}
            for query in range(NUM_QUERIES)
        }
        self.run: Table = {
            f"q{query}": {f"d{item}": scores[query, item] for item in np.flatnonzero(~seen[query])}
            for query in range(NUM_QUERIES)
        }

    def compute(self) -> dict[str, np.ndarray]:
        return compute_metrics(self.ranks, self.relevant.indptr, CUTOFFS)

    def cut(self, k: int) -> Table:
        """The first k of each ranking; where fewer are ranked, what fills it is not relevant."""
        lists = {}
        for query, scores in self.run.items():
            best = sorted(scores, key=lambda item: -scores[item])[:k]
            filling = [f"nothing {place}" for place in range(k - len(best))]
            lists[query] = {item: float(-place) for place, item in enumerate([*best, *filling])}
        return lists

    def ask(self, measures: Iterable[ir_measures.Measure], run: Table | None = None) -> dict[str, np.ndarray]:
        """By name of the measure its value for each query."""
        found: dict[str, dict[str, float]] = {}
        for metric in ir_measures.iter_calc(list(measures), self.judged, self.run if run is None else run):
            found.setdefault(str(metric.measure), {})[metric.query_id] = metric.value
        queries = [f"q{query}" for query in range(NUM_QUERIES)]
        return {name: np.array([values[query] for query in queries]) for name, values in found.items()}


@pytest.fixture(
    scope="module",
    params=[(4, 2), (12, 12), (60, 8), (300, 1), (300, 150)],
    ids=["few items", "up to all relevant", "some relevant", "one relevant", "many relevant"],
)
def rankings(request: pytest.FixtureRequest) -> Rankings:
    num_items, most_relevant = request.param
    return Rankings(num_items, most_relevant, seed=num_items)


def test_mrr(rankings: Rankings) -> None:
    np.testing.assert_allclose(rankings.compute()["MRR"], rankings.ask([RR])["RR"])


@pytest.mark.parametrize(
    ("name", "measure"),
    # Success is 1 if anything relevant is among the first k; nDCG has binary gains, its ideal min(k, n) hits.
    [("HR", Success), ("NDCG", nDCG), ("precision", P), ("recall", R)],
)
def test_metrics_of_the_same_definition(rankings: Rankings, name: str, measure: ir_measures.Measure) -> None:
    ours, theirs = rankings.compute(), rankings.ask([measure @ k for k in CUTOFFS])
    for k in CUTOFFS:
        np.testing.assert_allclose(ours[f"{name}@{k}"], theirs[str(measure @ k)], atol=1e-12)


def test_map_apart_from_what_it_is_divided_by(rankings: Rankings) -> None:
    """AP@k is divided by n, which k < n items never reach; MAP@k by min(k, n), the hits that there can be."""
    ours, theirs = rankings.compute(), rankings.ask([AP @ k for k in CUTOFFS])
    for k in CUTOFFS:
        expected = theirs[f"AP@{k}"] * rankings.sizes / np.minimum(rankings.sizes, k)
        np.testing.assert_allclose(ours[f"MAP@{k}"], expected, atol=1e-12)


def test_f1_is_the_f_measure_of_the_first_k(rankings: Rankings) -> None:
    """trec_eval has it for whole lists only, so that is what it gets: of k each."""
    ours = rankings.compute()
    for k in CUTOFFS:
        theirs = rankings.ask([SetF], rankings.cut(k))
        np.testing.assert_allclose(ours[f"F1@{k}"], theirs["SetF"], atol=1e-12)


def test_no_metric_is_left_out() -> None:
    assert set(METRICS) == {"HR", "NDCG", "precision", "recall", "MAP", "F1"}


@pytest.mark.parametrize("num_levels", [1, 2, 5, 40])
def test_tied_ranks_are_those_of_scipy(num_levels: int) -> None:
    rng = np.random.default_rng(num_levels)
    scores = rng.integers(0, num_levels, (60, 30)).astype(np.float32)
    role = rng.integers(0, 3, scores.shape)
    role[:, 0] = 1
    relevant, seen = role == 1, role == 2
    ranks = compute_ranks(lambda block: scores[block], csr_array(relevant), csr_array(seen))
    expected = []
    for query in range(60):
        unseen = np.flatnonzero(~seen[query])
        average = rankdata(-scores[query, unseen], method="average") - 1
        expected += average[relevant[query, unseen]].tolist()
    np.testing.assert_array_equal(ranks, expected)
