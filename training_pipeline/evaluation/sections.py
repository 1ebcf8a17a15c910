"""Which of a run's figures each section of the report shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from training_pipeline.evaluation.metrics import CUTOFFS
from training_pipeline.evaluation.results import HEADLINE_METRIC, Comparison, MetricRow
from training_pipeline.evaluation.segments import ALL, COLD

# A word in the names of models that are not allowed to see all they know.
MASKED = "hidden"
STRONGEST = 3
CURVES = ("NDCG", "HR", "recall")
LIST_METRICS = ("coverage", "Gini", "novelty", "diversity", "popularity", "exposure")
SEGMENT_GROUPS = {ALL: "Everyone", "user": "Users", "item": "Items"}
TEST = "test"
BASELINE, RETRIEVAL = "baseline", "retrieval"

Model = tuple[str, str]


@dataclass(frozen=True)
class Curves:
    """One metric at every length of list.

    Attributes:
        metric: its name, without the length.
        lines: by model, the figure at each length.
    """

    metric: str
    lines: dict[Model, dict[int, float]]

    @property
    def values(self) -> list[float]:
        """All the figures."""
        return [value for line in self.lines.values() for value in line.values()]


@dataclass(frozen=True)
class Ledger:
    """What the retriever loses, on one segment, without part of what it knows.

    Attributes:
        segment: the queries counted.
        whole: the headline figure of the retriever that sees all.
        masked: those of the retrievers that do not.
    """

    segment: str
    whole: MetricRow
    masked: list[MetricRow]


@dataclass(frozen=True)
class Segment:
    """The headline figures of the models under test on one segment.

    Attributes:
        name: of the segment within its group.
        rows: one a model, retrieval before ranking.
    """

    name: str
    rows: list[MetricRow]


def find_test(comparisons: Sequence[Comparison]) -> Comparison:
    """The figures of all test queries; one without models where there are none."""
    found = (c for c in comparisons if (c.split, c.segment) == (TEST, ALL))
    return next(found, Comparison(TEST, ALL, [], [], {}))


def list_contenders(comparison: Comparison) -> list[MetricRow]:
    """The headline figures of all models but the masked ones, baselines first."""
    return [row for row in comparison.list_figures(HEADLINE_METRIC) if MASKED not in row.model]


def list_own(comparison: Comparison, metric: str = HEADLINE_METRIC) -> list[MetricRow]:
    """The figures of the models of this run: retrieval, then ranking; neither baselines nor masked ones."""
    figures = comparison.list_figures(metric)
    return [row for row in figures if row.stage != BASELINE and MASKED not in row.model]


def choose_lines(comparison: Comparison) -> dict[Model, str]:
    """Whom the curves follow, and what their lines look like: ranking, retrieval, the strongest baselines."""
    baselines = [row for row in comparison.list_figures(HEADLINE_METRIC) if row.stage == BASELINE]
    baselines.sort(key=lambda row: -row.value)
    lines = {(row.stage, row.model): row.stage for row in reversed(list_own(comparison))}
    strongest = enumerate(baselines[:STRONGEST], start=1)
    return lines | {(row.stage, row.model): f"line-{place}" for place, row in strongest}


def trace_curves(comparison: Comparison) -> list[Curves]:
    """The figures by length of list, metric by metric; what was not measured is left out."""
    models = choose_lines(comparison)
    traced = [
        Curves(metric, {model: _trace(comparison, model, metric) for model in models}) for metric in CURVES
    ]
    return [curves for curves in traced if curves.values]


def _trace(comparison: Comparison, model: Model, metric: str) -> dict[int, float]:
    return {k: row.value for k in CUTOFFS if (row := comparison.get(model, f"{metric}@{k}"))}


def keep_ledgers(comparisons: Sequence[Comparison]) -> list[Ledger]:
    """Weighs what masked retrievers lose: on all test queries and, where present, on cold items."""
    ledgers = []
    for comparison in comparisons:
        if comparison.split == TEST and comparison.segment in (ALL, COLD):
            rows = [row for row in comparison.list_figures(HEADLINE_METRIC) if row.stage == RETRIEVAL]
            whole = [row for row in rows if MASKED not in row.model]
            masked = [row for row in rows if MASKED in row.model]
            if whole and masked:
                ledgers.append(Ledger(comparison.segment, whole[0], masked))
    return ledgers


def group_segments(comparisons: Sequence[Comparison]) -> dict[str, list[Segment]]:
    """The segments of test by whom they are about; nothing if all that was measured is everyone."""
    groups: dict[str, list[Segment]] = {}
    for comparison in comparisons:
        group, _, name = comparison.segment.partition(":")
        rows = list_own(comparison)
        if comparison.split == TEST and group in SEGMENT_GROUPS and rows:
            groups.setdefault(SEGMENT_GROUPS[group], []).append(Segment(name or "all queries", rows))
    return groups if len(groups) > 1 else {}


def name_list_metrics(comparison: Comparison) -> list[str]:
    """The metrics of what lists are like, whatever was chosen."""
    return [metric for name in LIST_METRICS for metric in comparison.metrics if metric.startswith(name)]
