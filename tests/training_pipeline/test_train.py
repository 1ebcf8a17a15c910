"""Whole runs of the command: what they print and publish, and that what can be found again is."""

import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from feature_pipeline.config import ConfigError
from tests.tiny_store import ENGINE, LATE_ITEMS, write_tiny_store
from tests.training_pipeline.command import DATASET, SMALL, compose_train, run_training, start_training
from training_pipeline.bundle import Bundle, open_current_bundle
from training_pipeline.evaluation.results import MetricRow, read_metrics
from training_pipeline.linear.signals import fit_signals
from training_pipeline.measure import Measurement
from training_pipeline.prepare import prepare
from training_pipeline.train import open_run

SEED = 42
# Towers that have hardly learned leave much to a ranker that reads more items, and grows more trees.
EARNED = (
    "retrieval.learning_rate=0.001",
    "ranker.candidates=25",
    "ranker.iterations=60",
    "ranker.learning_rate=0.3",
)

pytestmark = pytest.mark.slow


class Trained:
    """A run of the command on a tiny store of its own."""

    def __init__(self, artifacts: Path, settings: tuple[str, ...] = EARNED):
        if not (artifacts / DATASET).exists():
            write_tiny_store(artifacts, DATASET)
        self.output = run_training(artifacts, *settings)
        assert self.output.returncode == 0, self.output.stderr
        self.bundle: Bundle = open_current_bundle(artifacts, DATASET)
        self.metrics: list[MetricRow] = read_metrics(self.bundle.path / "metrics.json")
        self.place = artifacts / DATASET

    @property
    def curve(self) -> list[dict[str, float]]:
        """Of the bundle, without what no two runs share."""
        rows = self.bundle.manifest["curve"]
        return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("trained"))


BASELINES = [
    *("popularity", "recent popularity", "item kNN", "EASE", "SLIT"),
    *("last-item transitions", "content kNN, text_embedding"),
]
# The tiny store has texts and no pictures.
MASKED = [f"two towers, {hidden} hidden" for hidden in ("history", "text", "content")]
MODELS = [*BASELINES, "two towers", *MASKED, "catboost"]


def read_lines(table: str) -> tuple[str, list[str]]:
    """The heading of one of the two tables, and the model that each of its lines tells of."""
    heading, _, *lines = table.splitlines()
    is_staged = heading.startswith("test")
    return heading, [re.split(r"  +", line)[is_staged] for line in lines]


def get_headline(trained: Trained, split: str) -> dict[str, float]:
    """NDCG@10 of each model over all queries of a split."""
    wanted = (split, "all", "NDCG@10")
    return {row.model: row.value for row in trained.metrics if (row.split, row.segment, row.metric) == wanted}


def test_stdout_is_the_tables_of_results_and_where_the_report_lies(trained: Trained) -> None:
    figures, differences, report = trained.output.stdout.rstrip("\n").split("\n\n")
    heading, models = read_lines(figures)
    assert re.match(r"test, all: 39 queries", heading)
    assert models == MODELS
    heading, others = read_lines(differences)
    assert heading.startswith("NDCG@10 of catboost less that of each other")
    assert others == [*BASELINES, "two towers"]
    assert report == str(trained.bundle.path / "report.html")
    assert "<html" in Path(report).read_text()


def test_the_manifest_says_what_the_published_order_gains(trained: Trained) -> None:
    value = get_headline(trained, "test")
    differences = trained.bundle.manifest["differences"]
    assert [difference["against"] for difference in differences] == [*BASELINES, "two towers"]
    for difference in differences:
        gain = value["catboost"] - value[difference["against"]]
        assert difference["model"] == "catboost"
        assert difference["value"] == pytest.approx(gain, abs=1e-9)
        assert difference["low"] <= gain <= difference["high"]


def test_the_manifest_says_what_the_towers_lose_by_what_is_hidden(trained: Trained) -> None:
    value = get_headline(trained, "test")
    costs = trained.bundle.manifest["costs"]
    assert [(cost["model"], cost["against"]) for cost in costs] == [("two towers", mask) for mask in MASKED]
    for cost in costs:
        assert cost["value"] == pytest.approx(value["two towers"] - value[cost["against"]], abs=1e-9)


def test_the_manifest_says_what_the_ranker_is_like_and_why_it_is_published(trained: Trained) -> None:
    ranker, value = trained.bundle.manifest["ranker"], get_headline(trained, "validation")
    gain = ranker["gain on validation"]
    assert ranker["published"] is True
    assert (gain["model"], gain["against"]) == ("catboost", "two towers")
    assert gain["value"] == pytest.approx(value["catboost"] - value["two towers"], abs=1e-9)
    assert 0 < gain["low"] <= gain["value"] <= gain["high"]
    assert 1 <= ranker["trees"] <= trained.bundle.ranker_config.iterations
    assert ranker["bytes"] == (trained.bundle.path / "ranker.cbm").stat().st_size
    assert 0 <= ranker["expected calibration error"] <= 1


def test_the_manifest_says_what_was_learned_from_what(trained: Trained) -> None:
    assert trained.bundle.manifest["learned"] == {
        "towers, signals and baselines, tested": "train, validation",
        "ranker and calibration": "validation",
        "towers and signals, published": "train, validation, test",
    }


def test_stderr_tells_the_steps_and_whether_the_ranker_helps(trained: Trained) -> None:
    steps = [
        *("open features", "choose towers", "refit towers", "candidates, validation", "train ranker"),
        *("evaluate, validation", "candidates, test", "evaluate, test", "evaluate masked, test", "publish"),
    ]
    lines = trained.output.stderr.splitlines()
    places = [next(n for n, line in enumerate(lines) if line.startswith(step)) for step in steps]
    assert places == sorted(places)
    (verdict,) = [line for line in lines if "NDCG@10 less that of" in line]
    gain = r"\+\.\d{4} \[\+\.\d{4},\+\.\d{4}\] on validation, [+-]\.\d{4} \[[+-]\.\d{4},[+-]\.\d{4}\] on test"
    expected = rf"The ranker is published\. Its NDCG@10 less that of the retrieval order: {gain}\."
    assert re.fullmatch(expected, verdict)


def test_every_stage_is_measured_on_both_windows(trained: Trained) -> None:
    """On validation, from which the ranker has learned, rankers that left the query out stand for it."""
    stages = {(row.split, row.stage) for row in trained.metrics}
    assert stages == {
        (split, stage) for split in ("validation", "test") for stage in ("baseline", "retrieval", "ranking")
    }
    assert list(get_headline(trained, "validation")) == [*BASELINES, "two towers", "catboost"]
    assert set(get_headline(trained, "test")) == set(MODELS)


def test_published_towers_have_learned_everything(trained: Trained) -> None:
    """So that items whose only events lie in the test window have an id too."""
    bundle = trained.bundle
    events = bundle.tables.interactions
    assert set(LATE_ITEMS) <= set(bundle.inputs.item_ids.values) == set(events["item_id"])
    curve = bundle.manifest["curve"]
    assert [row["epoch"] for row in curve] == [1, 2, 3]
    assert bundle.manifest["config"]["seed"] == SEED
    assert bundle.manifest["features"] == bundle.store.id


def test_published_signals_have_learned_everything(trained: Trained) -> None:
    bundle = trained.bundle
    expected = fit_signals(bundle.tables.interactions, bundle.tables)
    assert {"pair_ease", "pair_slit", "pair_after_last1"} < {signal.name for signal in bundle.signals}
    for found, fitted in zip(bundle.signals, expected, strict=True):
        assert found.name == fitted.name
        np.testing.assert_allclose(found.weights, fitted.weights, atol=1e-6)
        np.testing.assert_array_equal(found.places, fitted.places)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_figures_of_the_baselines_follow_from_the_bundle_alone(trained: Trained, split: str) -> None:
    """They are fitted on what came before the window, whatever the published towers have learned since."""
    bundle = trained.bundle
    learned = {"validation": ["train"], "test": ["train", "validation"]}[split]
    prepared = prepare(bundle.store, bundle.split, ENGINE, bundle.query).learn(*learned)
    measured = Measurement(prepared, prepared.build_held_out(split), SEED)
    measured.add_baselines()
    published = [row for row in trained.metrics if (row.split, row.stage) == (split, "baseline")]
    assert len(measured.rows) == len(published) > 0
    for ours, theirs in zip(measured.rows, published, strict=True):
        assert (ours.model, ours.segment, ours.metric, ours.n) == (
            theirs.model,
            theirs.segment,
            theirs.metric,
            theirs.n,
        )
        assert ours.value == pytest.approx(theirs.value, abs=1e-6)


def test_the_funnel_is_told_item_by_item(trained: Trained) -> None:
    """Its shares are the hit rate's: of the queries' first items, by the order that is published."""
    targets = pd.read_csv(trained.bundle.path / "targets.csv")
    assert list(targets) == ["user_id", "item_id", "retrieval_rank", "final_rank", "fate"]
    hit = targets.assign(hit=targets["final_rank"] < 10).groupby("user_id")["hit"].any()
    wanted = ("catboost", "test", "all", "HR@10")
    (row,) = [r for r in trained.metrics if (r.model, r.split, r.segment, r.metric) == wanted]
    assert (row.n, row.value) == (len(hit), pytest.approx(hit.mean(), abs=1e-9))
    assert (targets["fate"] == "shown").sum() == (targets["final_rank"] < 10).sum() > 0


def test_what_the_ranker_goes_by_is_told_column_by_column(trained: Trained) -> None:
    importance = pd.read_csv(trained.bundle.path / "importance.csv")
    assert list(importance) == ["feature", "importance", "effect"]
    assert sorted(importance["feature"]) == sorted(trained.bundle.ranker.model.feature_names_)
    assert importance["importance"].sum() == pytest.approx(100)
    assert (np.diff(importance["effect"]) <= 0).all()
    assert importance["effect"].iloc[0] > 0
    assert (trained.bundle.path / "importance.png").read_bytes().startswith(b"\x89PNG")


class TestRankerThatHasNotEarnedItsPlace:
    """With towers as good as these the tiny store leaves a ranker of a few trees nothing to gain."""

    @pytest.fixture(scope="class")
    def unearned(self, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        artifacts = tmp_path_factory.mktemp("unearned")
        shutil.copytree(trained.place / "features", artifacts / DATASET / "features")
        return Trained(artifacts, settings=())

    def test_is_not_published(self, unearned: Trained) -> None:
        assert (unearned.bundle.ranker, unearned.bundle.calibration) == (None, None)
        assert {"ranker.cbm", "calibration.json"}.isdisjoint(p.name for p in unearned.bundle.path.iterdir())
        assert unearned.bundle.manifest["ranker"]["published"] is False
        assert unearned.bundle.manifest["ranker"]["gain on validation"]["low"] <= 0

    def test_is_warned_of_on_stderr_and_in_the_report(self, unearned: Trained) -> None:
        (verdict,) = [line for line in unearned.output.stderr.splitlines() if "NDCG@10 less that of" in line]
        words = "The ranker is not shown to beat the retrieval order on validation"
        assert verdict.startswith(f"WARNING: {words}, so the retrieval order is published. The ranker's ")
        assert words in (unearned.bundle.path / "report.html").read_text()

    def test_stands_among_the_others_that_the_published_order_is_compared_with(
        self, unearned: Trained
    ) -> None:
        figures, differences, _ = unearned.output.stdout.rstrip("\n").split("\n\n")
        assert read_lines(figures)[1] == MODELS
        heading, others = read_lines(differences)
        assert heading.startswith("NDCG@10 of two towers less that of each other")
        assert others == [*BASELINES, "catboost"]
        value = get_headline(unearned, "test")
        for difference in unearned.bundle.manifest["differences"]:
            gain = value["two towers"] - value[difference["against"]]
            assert difference["value"] == pytest.approx(gain, abs=1e-9)

    def test_does_not_move_the_items_of_the_funnel(self, unearned: Trained) -> None:
        targets = pd.read_csv(unearned.bundle.path / "targets.csv")
        assert targets["final_rank"].equals(targets["retrieval_rank"].rename("final_rank"))


def test_candidate_tower_gives_the_published_item_embeddings(trained: Trained) -> None:
    bundle = trained.bundle
    items = bundle.inputs.encode_items(bundle.tables.items, bundle.tables.item_vectors)
    np.testing.assert_allclose(bundle.candidate_tower(items), bundle.item_embeddings, atol=1e-5)


def test_the_run_keeps_its_curve(trained: Trained) -> None:
    (table,) = trained.place.glob("runs/*/curve.csv")
    curve = trained.bundle.manifest["curve"]
    pd.testing.assert_frame_equal(pd.read_csv(table), pd.DataFrame(curve), check_dtype=False)
    assert table.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_checkpoints_are_gone_when_the_bundle_is_published(trained: Trained) -> None:
    assert list((trained.place / "checkpoints").iterdir()) == []


def assert_same(ours: Trained, theirs: Trained) -> None:
    assert [row.value for row in ours.metrics] == pytest.approx([r.value for r in theirs.metrics], abs=1e-6)
    np.testing.assert_allclose(ours.bundle.item_embeddings, theirs.bundle.item_embeddings, atol=1e-6)
    assert json.loads(json.dumps(ours.curve)) == [pytest.approx(row, abs=1e-6) for row in theirs.curve]


def test_the_same_seed_gives_the_same_run(trained: Trained, tmp_path: Path) -> None:
    assert_same(Trained(tmp_path), trained)


def test_a_run_that_was_killed_ends_as_one_that_nothing_broke(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.place / "features", tmp_path / DATASET / "features")
    process = start_training(tmp_path, *EARNED)
    while not list(tmp_path.glob("*/checkpoints/*/choose/curve.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (tmp_path / DATASET / "bundles").exists()

    again = Trained(tmp_path)
    assert re.search(r"goes on after epoch \d, which an earlier run had ended", again.output.stderr)
    assert_same(again, trained)


def test_without_features_the_command_that_makes_them_is_named(tmp_path: Path) -> None:
    output = run_training(tmp_path)
    assert (output.returncode, output.stdout) == (2, "")
    assert output.stderr.startswith("error: ")
    assert "run make features DATASET=sample first" in output.stderr
    assert len(output.stderr.splitlines()) == 1


def test_threads_of_a_running_tensorflow_stay(tmp_path: Path) -> None:
    tf.constant(0.0)
    other = tf.config.threading.get_intra_op_parallelism_threads() + 1
    with pytest.raises(ConfigError, match=rf"threads: expected the number .*, found {other}\. Remedy: start"):
        open_run(compose_train(*SMALL, f"threads={other}", f"artifacts={tmp_path}"))
