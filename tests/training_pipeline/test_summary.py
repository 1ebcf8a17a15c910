"""A run's verdict follows validation, and what it writes says what was measured."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.config import SplitConfig
from feature_pipeline.store import FeatureStore
from tests.training_pipeline.command import SMALL, compose_train
from tests.training_pipeline.invented import make_model
from training_pipeline.config import Settings, read_settings
from training_pipeline.measure import Measurement, measure, measure_masked, measure_untimed
from training_pipeline.prepare import Prepared
from training_pipeline.ranked import fit_ranking
from training_pipeline.ranking.calibration import measure_reliability
from training_pipeline.retrieval.fit import OBJECTIVE, FittedRetrieval
from training_pipeline.retrieved import Retrieved, retrieve
from training_pipeline.summary import Summary

pytestmark = pytest.mark.slow
CURVE = [{"epoch": epoch, "loss": 1 / epoch, "seconds": 1.0, OBJECTIVE: 0.1 * epoch} for epoch in (1, 2)]
RIGHT, WRONG = 1, -1


@pytest.fixture(scope="module")
def settings() -> Settings:
    return read_settings(compose_train(*SMALL))


def order(found: Retrieved, sign: int) -> np.ndarray:
    """Scores of a ranker that knows the answer, or its opposite."""
    return np.where(found.candidates.items >= 0, sign * found.chosen, -np.inf).astype(np.float32)


def measure_order(found: Retrieved, scores: np.ndarray) -> Measurement:
    """As `measure`, without baselines."""
    measurement = Measurement(found.prepared, found.held_out, seed=0)
    measurement.add_retrieval(found.query_embeddings, found.item_embeddings)
    measurement.add_ranking(found.candidates, scores)
    return measurement


@pytest.fixture(scope="module")
def rehearsal(prepared: Prepared, summary: Summary, settings: Settings) -> Retrieved:
    return retrieve(prepared, summary.towers.model, "validation", settings.ranker)


@pytest.fixture(scope="module")
def summary(store: FeatureStore, prepared: Prepared, settings: Settings) -> Summary:
    """Of towers that were never trained."""
    towers = FittedRetrieval(make_model(prepared), CURVE)
    rehearsal, trial = (retrieve(prepared, towers.model, s, settings.ranker) for s in ("validation", "test"))
    ranking = fit_ranking([rehearsal], settings)
    scores = ranking.fitted.ranker.score_candidates(trial.rows, trial.candidates.items)
    return Summary(
        settings=settings,
        store=store,
        towers=towers,
        ranking=ranking,
        rehearsed=measure_order(rehearsal, ranking.fitted.scores),
        trial=trial,
        scores=scores,
        measured=measure(trial, scores, seed=0),
        masked=measure_masked(trial, towers.model, seed=0),
        untimed=[],
    )


@pytest.fixture(scope="module")
def untimed(prepared: Prepared, summary: Summary, settings: Settings) -> Summary:
    """The same, were serving not to know when it is asked."""
    found = [
        retrieve(prepared, summary.towers.model, split, settings.ranker, untimed=True)
        for split in ("validation", "test")
    ]
    measured = [measure_untimed(each, order(each, RIGHT), seed=0) for each in found]
    return replace(summary, untimed=measured)


@pytest.fixture(scope="module", params=[RIGHT, WRONG], ids=["ranked", "unranked"])
def decided(request: pytest.FixtureRequest, summary: Summary, rehearsal: Retrieved) -> Summary:
    """One whose ranker is right on validation and wrong on test, and one the other way round."""
    sign, trial = request.param, summary.trial
    return replace(
        summary,
        rehearsed=measure_order(rehearsal, order(rehearsal, sign)),
        measured=measure_order(trial, order(trial, -sign)),
    )


class TestVerdict:
    def test_follows_the_gain_on_validation_and_not_on_test(self, decided: Summary) -> None:
        gains = decided.rehearsed.find_gain(), decided.measured.find_gain()
        assert decided.is_ranked == (gains[0].low > 0) == (gains[1].low <= 0)
        assert decided.gain == gains[0]
        published = "The ranker is published." if decided.is_ranked else "The ranker is not shown to beat"
        assert decided.verdict.startswith(published)
        for gain in gains:
            assert f"{gain.value:+.4f}".replace("0.", ".") in decided.verdict

    def test_says_what_the_manifest_says(self, decided: Summary) -> None:
        told = decided.describe_ranker()
        assert told["published"] == decided.is_ranked
        assert told["gain on validation"]["value"] == decided.gain.value
        assert told["trees"] == decided.ranking.fitted.ranker.model.tree_count_
        assert told["bytes"] > 0

    def test_a_ranker_that_changes_nothing_is_not_published(
        self, summary: Summary, rehearsal: Retrieved
    ) -> None:
        same = replace(summary, rehearsed=measure_order(rehearsal, rehearsal.candidates.scores))
        assert same.gain.value == 0
        assert not same.is_ranked

    def test_never_published_where_all_queries_want_the_same_few_items(self, summary, settings, rehearsal):
        cold = settings.model_copy(update={"split": SplitConfig(name="cold_items")})
        right = measure_order(rehearsal, order(rehearsal, RIGHT))
        decided = replace(summary, settings=cold, rehearsed=right)
        assert decided.gain.low > 0
        assert not decided.is_ranked
        assert decided.verdict.startswith("Under cold_items the ranker learns which items validation wants")

    def test_the_published_order_is_what_is_compared_and_traced(self, decided: Summary) -> None:
        model = "catboost" if decided.is_ranked else "two towers"
        (difference,) = decided.differences
        assert difference.model == model
        traced = decided.targets[decided.targets["fate"] != "filtered"]
        np.testing.assert_array_equal(traced["final_rank"], decided.measured.ranks[model])
        np.testing.assert_array_equal(traced["retrieval_rank"], decided.measured.ranks["two towers"])

    def test_costs_are_what_the_towers_lose_as_they_are_blinded(self, summary: Summary) -> None:
        whole = summary.measured.headline["two towers"].mean()
        for cost in summary.costs:
            assert cost.value == pytest.approx(whole - summary.masked.headline[cost.against].mean())
        names = [cost.against for cost in summary.costs]
        assert names == [f"two towers, {hidden} hidden" for hidden in ("history", "text", "content")]

    def test_a_moment_that_is_hidden_costs_the_towers_too(self, untimed: Summary) -> None:
        cost = untimed.costs[0]
        assert cost.against == "two towers, moment hidden"
        whole, hidden = (
            found.headline[name].mean()
            for found, name in ((untimed.measured, cost.model), (untimed.untimed[1], cost.against))
        )
        assert cost.value == pytest.approx(whole - hidden)
        assert [cost.against for cost in untimed.costs[1:]] == list(untimed.masked.headline)

    def test_figures_of_hidden_moments_are_kept_beside_the_others(self, untimed: Summary) -> None:
        rows = {(row.split, row.stage, row.model) for row in untimed.rows if "moment hidden" in row.model}
        assert rows == {
            (split, stage, f"{model}, moment hidden")
            for split in ("validation", "test")
            for stage, model in (("retrieval", "two towers"), ("ranking", "catboost"))
        }
        splits = [row.split for row in untimed.rows]
        assert splits == sorted(splits, reverse=True)
        assert not any("hidden" in difference.against for difference in untimed.differences)

    def test_all_figures_are_kept(self, summary: Summary) -> None:
        splits = [row.split for row in summary.rows]
        first = splits.index("test")
        assert set(splits[:first]) == {"validation"}
        assert set(splits[first:]) == {"test"}
        assert len(splits) == sum(len(m.rows) for m in (summary.rehearsed, summary.measured, summary.masked))


def test_reliability_counts_every_candidate_of_the_test_window(summary: Summary) -> None:
    there = summary.trial.candidates.items >= 0
    chances = summary.ranking.calibration.apply(summary.scores)
    assert summary.reliability == measure_reliability(chances[there], summary.trial.chosen[there])
    assert len(summary.reliability.told) > 1


class TestWrite:
    @pytest.fixture(scope="class")
    def place(self, summary: Summary, tmp_path_factory: pytest.TempPathFactory) -> Path:
        place = tmp_path_factory.mktemp("written")
        summary.write(place)
        return place

    def test_targets_are_those_of_the_test_window(self, place: Path, summary: Summary) -> None:
        written = pd.read_csv(place / "targets.csv")
        pd.testing.assert_frame_equal(written, summary.targets, check_dtype=False)
        held_out = summary.trial.held_out
        assert len(written) == held_out.relevant.nnz + len(held_out.repeated)
        for user, rows in written.groupby("user_id"):
            query = np.flatnonzero(held_out.frame["user_id"] == user)
            items = rows["item_id"].str[-2:].astype(int)
            assert set(items) == set(held_out.relevant[query].nonzero()[1])

    def test_importance_names_every_column(self, place: Path, summary: Summary) -> None:
        written = pd.read_csv(place / "importance.csv")
        assert list(written.columns) == ["feature", "importance", "effect"]
        assert set(written["feature"]) == set(summary.trial.rows.frame.columns)
        assert (place / "importance.png").read_bytes().startswith(b"\x89PNG")

    def test_the_page_shows_verdict_figures_and_test_users(self, place: Path, summary: Summary) -> None:
        page = (place / "report.html").read_text()
        shown = [
            summary.verdict.split(".")[0],
            "sample: recommendations measured",
            "Learning curve of the towers",
            summary.store.id,
            "two towers, text hidden",
            "user-",
            "Thing ",
        ]
        assert [text for text in shown if text not in page] == []
        assert page.count("data:image/png;base64,") == 2

    def test_the_same_run_writes_the_same(self, place: Path, summary: Summary, tmp_path: Path) -> None:
        replace(summary).write(tmp_path)
        names: Sequence[str] = sorted(path.name for path in place.iterdir())
        assert names == ["importance.csv", "importance.png", "report.html", "targets.csv"]
        for name in names:
            assert (tmp_path / name).read_bytes() == (place / name).read_bytes(), name
