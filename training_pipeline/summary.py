"""What a run has found out: its figures, its verdict on the ranker, and the report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.schema import ITEM_ID
from feature_pipeline.store import FeatureStore
from training_pipeline.config import Settings
from training_pipeline.evaluation.curve import draw_learning_curve
from training_pipeline.evaluation.funnel import count_fates, find_ceilings, trace_targets
from training_pipeline.evaluation.report import Report, write_report
from training_pipeline.evaluation.results import HEADLINE_METRIC, MetricRow, format_signed
from training_pipeline.evaluation.significance import Difference, compare_with_each
from training_pipeline.examples import show_examples
from training_pipeline.measure import MOMENT_HIDDEN, RANKER, RETRIEVER, Measurement
from training_pipeline.ranked import FittedRanking
from training_pipeline.ranking.calibration import Reliability, measure_reliability
from training_pipeline.ranking.importance import Importance, draw_importance, measure_importance
from training_pipeline.retrieval.fit import OBJECTIVE, FittedRetrieval
from training_pipeline.retrieved import Retrieved


@dataclass(frozen=True)
class Summary:
    """Everything that was measured.

    Attributes:
        settings: of the run.
        store: what it was trained on.
        towers: as validation chose them.
        ranking: the ranker, and how its scores become chances.
        rehearsed: figures on validation, the ranker's by rankers that had not seen the query.
        trial: what the tested towers retrieved for the test window.
        scores: the ranker's, of the trial's candidates [num_queries, num_candidates] float32.
        measured: figures on test.
        masked: figures on test with something hidden from the towers.
        untimed: figures on validation and on test at moments nobody knows; none where serving knows them.
    """

    settings: Settings
    store: FeatureStore
    towers: FittedRetrieval
    ranking: FittedRanking
    rehearsed: Measurement
    trial: Retrieved
    scores: np.ndarray
    measured: Measurement
    masked: Measurement
    untimed: Sequence[Measurement]

    @property
    def rows(self) -> list[MetricRow]:
        """All figures, test behind validation."""
        validation, test = [self.rehearsed, *self.untimed[:1]], [self.measured, *self.untimed[1:]]
        return [row for each in (*validation, *test, self.masked) for row in each.rows]

    @cached_property
    def gain(self) -> Difference:
        """What the ranker gains on the retrieval order on validation: it decides which order is published."""
        return self.rehearsed.find_gain()

    @property
    def is_ranked(self) -> bool:
        """Whether the ranker has earned its place: its gain on validation is above zero, and not by luck."""
        return self.gain.low > 0 and not self._knows_what_is_wanted

    @property
    def _knows_what_is_wanted(self) -> bool:
        """Under `cold_items` all queries want items of one small set, which the ranker has met in others."""
        return self.settings.split.name == "cold_items"

    @cached_property
    def differences(self) -> list[Difference]:
        """What the published order gains on each other model on test."""
        return self.measured.compare(RANKER if self.is_ranked else RETRIEVER)

    @cached_property
    def costs(self) -> list[Difference]:
        """What the towers lose on test where something is hidden from them."""
        whole, masked = self.measured.headline[RETRIEVER], self.masked.headline
        if self.untimed:
            name = RETRIEVER + MOMENT_HIDDEN
            masked = {name: self.untimed[-1].headline[name], **masked}
        return compare_with_each(RETRIEVER, whole, masked, self.settings.seed)

    @property
    def verdict(self) -> str:
        """Which order is published, and why."""
        figures = (
            f"{HEADLINE_METRIC} less that of the retrieval order: {format_signed(self.gain)} on validation, "
            f"{format_signed(self.measured.find_gain())} on test"
        )
        if self.is_ranked:
            return f"The ranker is published. Its {figures}."
        if self._knows_what_is_wanted:
            why = "Under cold_items the ranker learns which items validation wants, which proves nothing"
        else:
            why = "The ranker is not shown to beat the retrieval order on validation"
        return f"{why}, so the retrieval order is published. The ranker's {figures}."

    @cached_property
    def targets(self) -> pd.DataFrame:
        """What became of each chosen item of the test window; see `trace_targets`."""
        ranks, trial = self.measured.ranks, self.trial
        item_ids = trial.prepared.tables.items[ITEM_ID].to_numpy()
        final = ranks[RANKER if self.is_ranked else RETRIEVER]
        return trace_targets(
            trial.held_out, item_ids, ranks[RETRIEVER], final, trial.candidates.items.shape[1]
        )

    @cached_property
    def reliability(self) -> Reliability:
        """Chances told of the test window's candidates, against what was chosen."""
        there = self.trial.candidates.items >= 0
        chances = self.ranking.calibration.apply(self.scores)
        return measure_reliability(chances[there], self.trial.chosen[there])

    @cached_property
    def importance(self) -> Importance:
        """What the ranker goes by."""
        return measure_importance(self.ranking.fitted.ranker, self.trial.rows, self.settings.seed)

    def describe_ranker(self) -> dict[str, Any]:
        """For the manifest: the ranker's size, its gain, and whether it is published."""
        fitted = self.ranking.fitted
        return {
            "published": self.is_ranked,
            "trees": fitted.ranker.model.tree_count_,
            "bytes": fitted.ranker.count_bytes(),
            "gain on validation": asdict(self.gain),
            "expected calibration error": self.reliability.error,
        }

    def write(self, place: Path) -> None:
        """Writes the report, and beside it what it shows as tables: `targets.csv`, `importance.csv`."""
        self.targets.to_csv(place / "targets.csv", index=False)
        self.importance.table.to_csv(place / "importance.csv", index=False)
        picture = draw_importance(self.importance, self.settings.seed)
        (place / "importance.png").write_bytes(picture)
        report = Report(
            title=f"{self.settings.dataset}: recommendations measured",
            verdict=self.verdict,
            is_ranked=self.is_ranked,
            rows=self.rows,
            differences=self.differences,
            costs=self.costs,
            fates=count_fates(self.targets),
            ceilings=find_ceilings(self.trial.held_out, self.measured.ranks[RETRIEVER]),
            reliability=self.reliability,
            importance=self.importance.table,
            examples=show_examples(self.trial, self.scores, self.store, self.settings.seed),
            figures={
                "Learning curve of the towers": draw_learning_curve(self.towers.curve, OBJECTIVE),
                "What the ranker goes by": picture,
            },
            details=self._list_details(),
        )
        write_report(report, place / "report.html")

    def _list_details(self) -> dict[str, str]:
        settings, store = self.settings, self.store
        return {
            "data set": settings.dataset,
            "feature store": store.id,
            "interactions": f"{store.manifest['rows']['interactions']:,}",
            "split": settings.split.name,
            "tower widths": f"query {settings.tower.query}, candidate {settings.tower.candidate}",
            "embedding_dim": str(settings.retrieval.embedding_dim),
            "parameters of the towers": f"{self.towers.num_parameters:,}",
            "trees of the ranker": str(self.ranking.fitted.ranker.model.tree_count_),
            "seed": str(settings.seed),
        }
