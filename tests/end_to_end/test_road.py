"""The whole road on a tiny film folder, command by command: features, train, infer."""

import json
import re
import shutil
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.commands import run_make, run_module
from tests.end_to_end.films import NUM_FILMS, USERS, write_films
from training_pipeline.evaluation.results import read_metrics

pytestmark = pytest.mark.slow

USER = "a b"
SMALL = (
    "threads=1",
    "engine.threads=1",
    "tower.query=[16]",
    "tower.candidate=[16]",
    "retrieval.embedding_dim=8",
    "retrieval.batch_size=64",
    "retrieval.negatives.uniform=64",
    "retrieval.epochs=4",
    "retrieval.learning_rate=0.01",
    "ranker.candidates=20",
    "ranker.iterations=30",
    "ranker.depth=3",
)
TOWERS = tuple(
    f"two towers{what}"
    for what in (
        "",
        *(f", {part} hidden" for part in ("moment", "history", "text", "image", "text and image", "content")),
    )
)
BASELINES = [
    *("popularity", "recent popularity", "item kNN", "EASE", "SLIT", "last-item transitions"),
    *("content kNN, description_embedding", "content kNN, poster_embedding", "content kNN, all"),
]
PARTS = {
    *(
        "features",
        "inputs.json",
        "candidate_tower",
        "query_tower",
        "item_embeddings.npy",
        "signals",
        "standing",
    ),
    *("manifest.json", "metrics.json", "report.html", "targets.csv", "importance.csv", "importance.png"),
}
RANKER_PARTS = {"ranker.cbm", "calibration.json"}
FIELDS = ["stage", "model", "split", "segment", "metric", "value", "low", "high", "n"]
STEP = re.compile(r".{28} *([\d,]+ rows)? +[\d.]+ s +[\d,]+ MiB peak.*")
VERDICT = re.compile(r"(The ranker is published|WARNING: The ranker is not shown to beat).* on test\.")


@dataclass(frozen=True)
class Road:
    """A folder with raw files, and what features and train said when they were run in it."""

    folder: Path
    features: CompletedProcess[str]
    training: CompletedProcess[str]

    @property
    def artifacts(self) -> Path:
        return self.folder / "my artifacts"

    @property
    def bundle(self) -> Path:
        bundles = self.artifacts / "movielens" / "bundles"
        return bundles / (bundles / "current").read_text().strip()

    @property
    def is_ranked(self) -> bool:
        manifest = json.loads((self.bundle / "manifest.json").read_text())
        return bool(manifest["ranker"]["published"])

    def infer(self, *overrides: str) -> CompletedProcess[str]:
        places = ("dataset=movielens", 'artifacts="my artifacts"')
        return run_module("inference", self.folder, *places, *overrides)


def build_features(folder: Path) -> CompletedProcess[str]:
    places = ("dataset=movielens", 'dataset.root="raw files"', 'artifacts="my artifacts"')
    return run_module("feature_pipeline", folder, *places, *SMALL)


def train(folder: Path, artifacts: str) -> CompletedProcess[str]:
    places = ("dataset=movielens", f'artifacts="{artifacts}"')
    return run_module("training_pipeline", folder, *places, *SMALL)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    folder = tmp_path_factory.mktemp("road")
    write_films(folder / "raw files")
    return Road(folder, build_features(folder), train(folder, "my artifacts"))


@pytest.fixture(scope="module")
def as_json(road: Road) -> CompletedProcess[str]:
    return road.infer(f'user="{USER}"', "k=5", "format=json", 'html="my pages/one.html"')


@pytest.fixture(scope="module")
def batch(road: Road) -> pd.DataFrame:
    done = road.infer("user=all", "k=5", "out=all.parquet")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert_only_progress(done.stderr)
    return pd.read_parquet(road.folder / "all.parquet")


def assert_only_progress(stderr: str) -> None:
    other = [line for line in stderr.splitlines() if not STEP.fullmatch(line) and not VERDICT.fullmatch(line)]
    assert other == []


class TestFeatures:
    def test_prints_where_the_store_lies(self, road):
        assert road.features.returncode == 0, road.features.stderr
        assert_only_progress(road.features.stderr)
        (line,) = road.features.stdout.splitlines()
        assert (road.folder / line / "manifest.json").is_file()

    def test_again_encodes_nothing_and_keeps_the_id(self, road):
        again = build_features(road.folder)
        assert again.stdout == road.features.stdout
        counts = re.findall(r"([\d,]+) encoded, ([\d,]+) reused", again.stderr)
        assert len(counts) == 3
        assert {encoded for encoded, _ in counts} == {"0"}
        assert max(int(reused) for _, reused in counts) == NUM_FILMS


class TestTraining:
    def test_prints_the_results_and_where_the_report_lies(self, road):
        assert road.training.returncode == 0, road.training.stderr
        assert_only_progress(road.training.stderr)
        table, differences, place = road.training.stdout.rstrip("\n").split("\n\n")
        heading, _, *lines = table.splitlines()
        assert heading == f"test, all: {len(USERS)} queries, 95 % intervals"
        models = [re.split(r"  +", line)[1] for line in lines]
        assert models == [*BASELINES, *TOWERS, "catboost", "catboost, moment hidden"]
        heading, _, *lines = differences.splitlines()
        published, other = ("catboost", TOWERS[0]) if road.is_ranked else (TOWERS[0], "catboost")
        assert heading.startswith(f"NDCG@10 of {published} less that of each other")
        assert [re.split(r"  +", line)[0] for line in lines] == [*BASELINES, other]
        assert place == str(Path("my artifacts", *road.bundle.parts[-3:], "report.html"))

    def test_says_once_whether_the_ranker_is_published(self, road):
        (verdict,) = [line for line in road.training.stderr.splitlines() if VERDICT.fullmatch(line)]
        assert verdict.startswith("WARNING") != road.is_ranked

    def test_everything_lies_in_the_bundle(self, road):
        expected = PARTS | RANKER_PARTS if road.is_ranked else PARTS
        assert {place.name for place in road.bundle.iterdir()} == expected
        assert len(list((road.bundle / "signals").glob("*/weights.npy"))) == 3

    def test_metrics_are_rows_as_documented(self, road):
        rows = json.loads((road.bundle / "metrics.json").read_text())
        for row in rows:
            assert list(row) == FIELDS
            assert row["stage"] in ("baseline", "retrieval", "ranking")
            assert row["split"] in ("validation", "test")
            assert row["low"] <= row["value"] <= row["high"]
            assert 0 < row["n"] <= len(USERS)
        tested = {row["stage"]: row for row in rows if (row["split"], row["metric"]) == ("test", "NDCG@10")}
        assert set(tested) == {"baseline", "retrieval", "ranking"}
        assert all(0 <= row["value"] <= 1 and row["segment"] for row in tested.values())

    def test_report_stands_alone(self, road):
        report = (road.bundle / "report.html").read_text(encoding="utf-8")
        assert "two towers" in report
        assert not re.search(r"""(src|href)=["']?https?:""", report)

    def test_same_seed_same_metrics(self, road):
        """In another place, since a bundle that is already published would be kept."""
        features = Path("movielens", "features")
        shutil.copytree(road.artifacts / features, road.folder / "elsewhere" / features)
        again = train(road.folder, "elsewhere")
        assert again.returncode == 0, again.stderr
        bundles = road.folder / "elsewhere" / "movielens" / "bundles"
        bundle = bundles / (bundles / "current").read_text().strip()
        first, second = (read_metrics(place / "metrics.json") for place in (road.bundle, bundle))
        assert [row.metric for row in first] == [row.metric for row in second]
        figures = [[[row.value, row.low, row.high] for row in rows] for rows in (first, second)]
        np.testing.assert_allclose(*figures, rtol=0, atol=1e-6)


class TestInference:
    def test_json_alone_on_stdout(self, road, as_json):
        assert as_json.returncode == 0, as_json.stderr
        answer = json.loads(as_json.stdout)
        assert (answer["user_id"], answer["bundle"]) == (USER, road.bundle.name)
        recommended = answer["recommendations"]
        assert [row["rank"] for row in recommended] == [1, 2, 3, 4, 5]
        assert all(row["title"].startswith("The Éte ") and row["reasons"] for row in recommended)
        ratings = pd.read_csv(road.folder / "raw files" / "ratings.csv", dtype="str")
        liked = ratings[(ratings["userId"] == USER) & (ratings["rating"] != "1.0")]
        assert {row["item_id"] for row in recommended}.isdisjoint(liked["movieId"])
        assert all(("chance" in row) == road.is_ranked for row in recommended)

    def test_page_with_posters(self, road, as_json):
        assert as_json.stderr == "page: my pages/one.html\n"
        page = (road.folder / "my pages" / "one.html").read_text(encoding="utf-8")
        HTMLParser().feed(page)
        assert f"<h1>Recommended for {USER}</h1>" in page
        assert page.count("data:image/jpeg;base64,") >= 10
        assert "http" not in page

    def test_make_prints_the_same(self, road, as_json):
        """In a process of its own, with a user and a folder that need quotes."""
        places = ("DATASET=movielens", f"ARTIFACTS={road.artifacts}")
        made = run_make("--silent", "infer", f"USER={USER}", "K=5", "FORMAT=json", *places)
        assert (made.returncode, made.stderr) == (0, "")
        assert made.stdout == as_json.stdout

    def test_table(self, road):
        done = road.infer("user=007", "k=3")
        assert (done.returncode, done.stderr) == (0, "")
        header, *lines = done.stdout.splitlines()
        assert header.split() == ["rank", "title", "retrieval", "ranking", "chance", "reasons"]
        assert [line.split()[0] for line in lines] == ["1", "2", "3"]

    def test_file_for_everyone(self, road, batch):
        assert list(batch.columns) == [
            *("user_id", "item_id", "rank", "retrieval_score", "ranking_score", "chance")
        ]
        assert batch["chance"].dtype == "float32"
        assert batch["chance"].notna().eq(road.is_ranked).all()
        assert set(batch["user_id"]) == set(USERS)
        assert batch.groupby("user_id")["rank"].apply(list).map(lambda ranks: ranks == [1, 2, 3, 4, 5]).all()

    def test_file_and_json_agree(self, batch, as_json):
        printed = pd.DataFrame(json.loads(as_json.stdout)["recommendations"])
        written = batch[batch["user_id"] == USER]
        assert written["item_id"].tolist() == printed["item_id"].tolist()
        for score in ("retrieval_score", "ranking_score"):
            np.testing.assert_allclose(written[score], printed[score], rtol=1e-5, atol=1e-5)

    def test_unknown_user_is_one_line(self, road):
        done = road.infer("user=nobody")
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(
            f"error: user 'nobody' is not known to bundle {road.bundle.name} of movielens."
        )
        assert "among them 007, 101" in line


def test_nothing_is_left_beside_what_was_asked_for(road, as_json, batch):
    """Hydra and TensorFlow would like to leave folders where a command is started."""
    assert {place.name for place in road.folder.iterdir()} <= {
        *("raw files", "my artifacts", "elsewhere", "my pages", "all.parquet"),
    }
    assert {place.name for place in (road.artifacts / "movielens").iterdir()} == {
        "features",
        "bundles",
        "runs",
        "checkpoints",
    }
    assert list((road.artifacts / "movielens" / "checkpoints").iterdir()) == []
