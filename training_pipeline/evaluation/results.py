"""The figures of a run: rows of `metrics.json`, and the tables for stdout."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from training_pipeline.evaluation.bootstrap import bootstrap_means
from training_pipeline.evaluation.significance import Difference

SPLITS = ("test", "validation")
STAGES = {"baseline": "baseline", "retrieval": "retrieval", "ranking": "ranking (end to end)"}
HEADLINE_METRIC = "NDCG@10"
TABLE_METRICS = ("NDCG@10", "HR@10", "MRR", "recall@100")

_ALL = "all"


@dataclass(frozen=True)
class MetricRow:
    """One figure of one model: a row of `metrics.json`.

    Attributes:
        stage: `baseline`, `retrieval` or `ranking` (end to end).
        model: Name of the model within its stage.
        split: `validation` or `test`.
        segment: `all`, or the queries counted, such as `user:new`.
        metric: Name of the metric, such as `NDCG@10`.
        value: Its mean over queries.
        low: Low end of the 95 % bootstrap interval over queries; equal to `value` where no interval exists.
        high: High end of that interval.
        n: Number of queries.
    """

    stage: str
    model: str
    split: str
    segment: str
    metric: str
    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        """Check that the row can be written as JSON and placed in a table."""
        for name, names in (("stage", tuple(STAGES)), ("split", SPLITS)):
            if getattr(self, name) not in names:
                raise ValueError(f"{name}: expected one of {', '.join(names)}, got {getattr(self, name)!r}")
        if not all(math.isfinite(number) for number in (self.value, self.low, self.high)):
            raise ValueError(
                f"{self.metric} of {self.model} ({self.split}, {self.segment}): expected finite value, low "
                f"and high, got {self.value}, {self.low}, {self.high}; check the scores it was computed from"
            )


@dataclass(frozen=True)
class Comparison:
    """All figures of the models on one set of queries.

    Attributes:
        split: The rows' split.
        segment: The rows' segment.
        models: (stage, model) in order of stage, then of first appearance.
        metrics: Names of the metrics in order of first appearance.
        cells: The rows by (stage, model, metric).
    """

    split: str
    segment: str
    models: list[tuple[str, str]]
    metrics: list[str]
    cells: dict[tuple[str, str, str], MetricRow]

    @property
    def num_queries(self) -> int:
        """The number of queries behind every figure."""
        return next(iter(self.cells.values())).n

    def get(self, model: tuple[str, str], metric: str) -> MetricRow | None:
        """Return the figure of a (stage, model), or None where it was not measured."""
        return self.cells.get((*model, metric))

    def list_figures(self, metric: str) -> list[MetricRow]:
        """Return the figures of all models that have this metric, in order."""
        return [row for model in self.models if (row := self.get(model, metric))]


def build_rows(
    per_query: Mapping[str, np.ndarray], stage: str, model: str, split: str, segment: str, seed: int
) -> list[MetricRow]:
    """Average each metric over queries and attach its bootstrap interval.

    Args:
        per_query: Metric name to `[num_queries] float64`, all over the same queries.
        stage: See `MetricRow`.
        model: See `MetricRow`.
        split: See `MetricRow`.
        segment: See `MetricRow`.
        seed: Seed of the bootstrap; give the same to all models, so that they are resampled alike.

    Returns:
        One row a metric, in the order of `per_query`.

    Raises:
        ValueError: The metrics have different lengths, there are no queries, or a value is not finite.
    """
    lengths = {metric: len(values) for metric, values in per_query.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"per_query: expected metrics over the same queries, got lengths {lengths}")
    values = np.stack(list(per_query.values()), axis=1)
    means, (low, high) = values.mean(axis=0), bootstrap_means(values, seed)
    # Where all queries score alike, the resampled means differ from the mean in the last bit.
    low, high = np.minimum(low, means), np.maximum(high, means)
    return [
        MetricRow(
            stage, model, split, segment, metric, float(means[i]), float(low[i]), float(high[i]), len(values)
        )
        for i, metric in enumerate(per_query)
    ]


def write_metrics(rows: Sequence[MetricRow], path: Path) -> None:
    """Write rows as a JSON list of objects, one object a line."""
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False, allow_nan=False) for row in rows)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read_metrics(path: Path) -> list[MetricRow]:
    """Read the rows that `write_metrics` wrote.

    Raises:
        ValueError: The file is not a JSON list of rows with exactly the fields of `MetricRow`.
    """
    try:
        return [MetricRow(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (TypeError, ValueError) as error:
        expected = ", ".join(field.name for field in fields(MetricRow))
        raise ValueError(
            f"{path}: expected a JSON list of objects with {expected}, got: {error}; run `make train` again"
        ) from error


def build_comparisons(rows: Sequence[MetricRow]) -> list[Comparison]:
    """Group rows by split (test first) and segment (`all` first).

    Raises:
        ValueError: In one split and segment a figure stands twice, or models were measured on different
            numbers of queries.
    """
    groups: dict[tuple[str, str], list[MetricRow]] = {}
    for row in rows:
        groups.setdefault((row.split, row.segment), []).append(row)
    ordered = sorted(groups, key=lambda key: (SPLITS.index(key[0]), key[1] != _ALL))
    return [_compare(groups[key]) for key in ordered]


def render_table(
    rows: Sequence[MetricRow],
    split: str = "test",
    metrics: Sequence[str] = TABLE_METRICS,
    segments: Sequence[str] = (_ALL,),
) -> str:
    """Render aligned plain text for stdout: a table a segment, one line a model, intervals in brackets.

    Args:
        rows: Figures of any splits and segments.
        split: The split to show.
        metrics: The columns.
        segments: The segments to show; `all` comes first.

    Returns:
        Lines without a final line break; empty if no row is of this split and these segments.
    """
    chosen = [row for row in rows if row.split == split and row.segment in segments]
    return "\n\n".join(_render_comparison(comparison, metrics) for comparison in build_comparisons(chosen))


def render_differences(differences: Sequence[Difference]) -> str:
    """Render aligned plain text for stdout: what one model gains on each other, a line each."""
    heading = f"{HEADLINE_METRIC} of {differences[0].model} less that of each other, p of t-tests after Holm"
    cells = [[d.against, format_signed(d), format_p_value(d.p_value)] for d in differences]
    return "\n".join([heading, *_align([["model", "difference", "p"], *cells])])


def _compare(rows: Sequence[MetricRow]) -> Comparison:
    cells = {(row.stage, row.model, row.metric): row for row in rows}
    split, segment, sizes = rows[0].split, rows[0].segment, sorted({row.n for row in rows})
    if len(sizes) > 1 or len(cells) < len(rows):
        raise ValueError(
            f"rows of {split}, {segment}: expected each figure once and the same queries for every model, "
            f"got {len(rows) - len(cells)} repeats and {sizes} queries; evaluate all models once, in one run"
        )
    models = sorted({key[:2]: None for key in cells}, key=lambda model: list(STAGES).index(model[0]))
    return Comparison(split, segment, models, list(dict.fromkeys(row.metric for row in rows)), cells)


def _render_comparison(comparison: Comparison, metrics: Sequence[str]) -> str:
    heading = f"{comparison.split}, {comparison.segment}: {comparison.num_queries:,} queries, 95 % intervals"
    lines = [["stage", "model", *metrics]]
    for stage, model in comparison.models:
        figures = [comparison.get((stage, model), metric) for metric in metrics]
        lines.append([STAGES[stage], model, *(_format_figure(row) if row else "-" for row in figures)])
    return "\n".join([heading, *_align(lines)])


def _align(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def format_signed(difference: Difference) -> str:
    """Return `+.0312 [+.0201,+.0422]`."""
    numbers = (difference.value, difference.low, difference.high)
    value, low, high = (("-" if number < 0 else "+") + format_number(abs(number)) for number in numbers)
    return f"{value} [{low},{high}]"


def _format_figure(row: MetricRow) -> str:
    return f"{format_number(row.value)} {format_interval(row)}".rstrip()


def format_interval(row: MetricRow) -> str:
    """Return `[.1200,.1270]`, or nothing where the figure has no interval."""
    return "" if row.low == row.high else f"[{format_number(row.low)},{format_number(row.high)}]"


def format_p_value(p_value: float) -> str:
    """Return `.0312`, or `< .0001`."""
    return format_number(p_value) if p_value >= 0.0001 else "< .0001"


def format_number(number: float) -> str:
    """Return `.0312`."""
    return f"{number:.4f}".removeprefix("0")
