"""The report of a run: one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from feature_pipeline.html import render, to_data_uri
from training_pipeline.evaluation.charts import fit_log_scale, fit_scale, stack
from training_pipeline.evaluation.funnel import Ceiling
from training_pipeline.evaluation.metrics import CUTOFFS
from training_pipeline.evaluation.results import (
    HEADLINE_METRIC,
    STAGES,
    MetricRow,
    build_comparisons,
    format_interval,
    format_number,
    format_p_value,
    format_signed,
)
from training_pipeline.evaluation.sections import (
    choose_lines,
    find_test,
    group_segments,
    keep_ledgers,
    list_contenders,
    list_own,
    name_list_metrics,
    trace_curves,
)
from training_pipeline.evaluation.significance import Difference
from training_pipeline.ranking.calibration import Reliability

TEMPLATE = Path(__file__).with_name("report.html.j2")
STRONGEST_FEATURES = 20


@dataclass(frozen=True)
class Card:
    """An item as a person sees it.

    Attributes:
        title: its title.
        picture: a data URI, or None where it has none.
        is_chosen: whether the user chose it in the test window.
    """

    title: str
    picture: str | None
    is_chosen: bool


@dataclass(frozen=True)
class Example:
    """One test user, and what became of them.

    Attributes:
        user: id and profile, in words.
        history: what they had met last, newest first.
        chosen: what they then chose.
        retrieved: the first of the retrieval order.
        ranked: the first of the ranker's.
    """

    user: str
    history: Sequence[Card]
    chosen: Sequence[Card]
    retrieved: Sequence[Card]
    ranked: Sequence[Card]


@dataclass(frozen=True)
class Report:
    """Everything that the page tells.

    Attributes:
        title: heading of the page.
        verdict: what is published and why, in a sentence or two.
        is_ranked: whether the published order is the ranker's.
        rows: all figures of the run.
        differences: what the last model gains on each other, in the headline metric on test.
        costs: what hiding something from the towers costs them, in the headline metric on test.
        fates: what became of the test window's chosen items, see `funnel.count_fates`.
        ceilings: what a ranker could reach that knew the answer.
        reliability: chances told against shares seen, on test.
        importance: `feature, importance, effect`, the strongest first, see `ranking.importance`.
        examples: some test users.
        figures: caption to a PNG image.
        details: label to text, such as data set, seed and versions.
    """

    title: str
    verdict: str
    is_ranked: bool
    rows: Sequence[MetricRow]
    differences: Sequence[Difference]
    costs: Sequence[Difference]
    fates: Mapping[str, int]
    ceilings: Sequence[Ceiling]
    reliability: Reliability
    importance: pd.DataFrame
    examples: Sequence[Example]
    figures: Mapping[str, bytes]
    details: Mapping[str, str]


def write_report(report: Report, path: Path) -> None:
    """Writes the page to a file."""
    comparisons = build_comparisons(report.rows)
    test = find_test(comparisons)
    html = render(
        TEMPLATE,
        report=report,
        comparisons=comparisons,
        test=test,
        contenders=list_contenders(test),
        lines=choose_lines(test),
        curves=trace_curves(test),
        ledgers=keep_ledgers(comparisons),
        costs={cost.against: cost for cost in report.costs},
        segments=group_segments(comparisons),
        list_metrics=name_list_metrics(test),
        list_own=list_own,
        fates=stack(report.fates),
        importance=report.importance.head(STRONGEST_FEATURES).to_dict("records"),
        pictures={caption: to_data_uri(png, "image/png") for caption, png in report.figures.items()},
        cutoffs=CUTOFFS,
        headline_metric=HEADLINE_METRIC,
        stages=STAGES,
        fit_scale=fit_scale,
        fit_log_scale=fit_log_scale,
        format_number=format_number,
        format_interval=format_interval,
        format_signed=format_signed,
        format_p_value=format_p_value,
    )
    path.write_text(html, encoding="utf-8")
