"""One whole run of the command: what it prints, publishes, and that the figures can be found again."""

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
from training_pipeline.evaluation.report import MetricRow, read_metrics
from training_pipeline.measure import Measurement
from training_pipeline.prepare import prepare
from training_pipeline.ranking.candidates import retrieve_candidates
from training_pipeline.ranking.rows import build_ranking_rows
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.train import open_run

SEED = 42

pytestmark = pytest.mark.slow


class Trained:
    """A run of the command on a tiny store of its own."""

    def __init__(self, artifacts: Path):
        if not (artifacts / DATASET).exists():
            write_tiny_store(artifacts, DATASET)
        self.output = run_training(artifacts)
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
    *("popularity", "recent popularity", "item kNN", "EASE"),
    *("last-item transitions", "content kNN, text_embedding"),
]


def test_stdout_is_the_tables_of_results_and_where_the_report_lies(trained: Trained) -> None:
    figures, differences, report = trained.output.stdout.rstrip("\n").split("\n\n")
    lines = figures.splitlines()
    assert re.match(r"test, all: 39 queries", lines[0])
    masked = ["two towers, history hidden", "two towers, content hidden"]
    models = [*BASELINES, "two towers", *masked, "catboost"]
    assert [re.split(r"  +", line)[1] for line in lines[2:]] == models
    lines = differences.splitlines()
    assert lines[0].startswith("NDCG@10 of catboost less that of each other")
    assert [re.split(r"  +", line)[0] for line in lines[2:]] == [*BASELINES, "two towers"]
    assert report == str(trained.bundle.path / "report.html")
    assert "<html" in Path(report).read_text()


def test_the_manifest_says_what_the_ranker_gains(trained: Trained) -> None:
    value = {
        row.model: row.value
        for row in trained.metrics
        if (row.split, row.segment, row.metric) == ("test", "all", "NDCG@10")
    }
    differences = trained.bundle.manifest["differences"]
    assert [difference["against"] for difference in differences] == [*BASELINES, "two towers"]
    for difference in differences:
        gain = value["catboost"] - value[difference["against"]]
        assert difference["value"] == pytest.approx(gain, abs=1e-9)
        assert difference["low"] <= gain <= difference["high"]


def test_stderr_tells_the_steps_and_whether_the_ranker_helps(trained: Trained) -> None:
    steps = ["open features", "choose towers", "refit towers", "train ranker", "evaluate, test", "publish"]
    places = [trained.output.stderr.index(f"\n{step}" if step != steps[0] else step) for step in steps]
    assert places == sorted(places)
    assert re.search(r"ranker against the retrieval order: [+-]0\.\d{4} NDCG@10 \[", trained.output.stderr)


def test_the_ranker_is_measured_on_test_alone(trained: Trained) -> None:
    """It has learned from the validation window."""
    stages = {(row.split, row.stage) for row in trained.metrics}
    assert stages == {
        ("validation", "baseline"),
        ("validation", "retrieval"),
        ("test", "baseline"),
        ("test", "retrieval"),
        ("test", "ranking"),
    }


def test_published_towers_have_learned_validation_but_not_test(trained: Trained) -> None:
    bundle = trained.bundle
    events = bundle.tables.interactions
    late = set(LATE_ITEMS)
    assert set(bundle.inputs.item_ids.values) == set(events["item_id"]) - late
    curve = bundle.manifest["curve"]
    assert [row["epoch"] for row in curve] == [1, 2, 3]
    assert bundle.manifest["config"]["seed"] == SEED
    assert bundle.manifest["features"] == bundle.store.id


def test_figures_of_the_test_window_follow_from_the_bundle_alone(trained: Trained) -> None:
    bundle = trained.bundle
    prepared = prepare(bundle.store, bundle.split, ENGINE, bundle.query).add_validation()
    held_out, tables = prepared.build_held_out("test"), bundle.tables
    users = bundle.inputs.user.encode(tables.users, tables.user_vectors)
    examples = prepared.build_held_out_examples(held_out)
    index = bundle.inputs.index_items(tables.items)
    queries = embed_queries(bundle.query_tower, examples, users, bundle.item_embeddings, index)
    k = bundle.ranker_config.candidates
    candidates = retrieve_candidates(queries, bundle.item_embeddings, held_out.seen, k)
    rows = build_ranking_rows(held_out.frame, candidates, tables, prepared.builder)

    measured = Measurement(prepared, held_out, SEED)
    measured.add_baselines()
    ranks = measured.add_retrieval(queries, bundle.item_embeddings)
    measured.add_ranking(ranks, candidates, bundle.ranker.score_candidates(rows, candidates.items))
    published = [row for row in trained.metrics if row.split == "test" and "hidden" not in row.model]
    assert len(measured.rows) == len(published)
    for ours, theirs in zip(measured.rows, published, strict=True):
        assert (ours.stage, ours.model, ours.segment, ours.metric) == (
            theirs.stage,
            theirs.model,
            theirs.segment,
            theirs.metric,
        )
        assert ours.value == pytest.approx(theirs.value, abs=1e-6)


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
    process = start_training(tmp_path)
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
