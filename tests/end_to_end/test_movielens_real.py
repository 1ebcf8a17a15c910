"""MovieLens-100K, where it lies beside the repository: real data, fewer epochs, a sane result."""

import json
import os
from pathlib import Path

import pytest

from tests.end_to_end.commands import run_module
from training_pipeline.evaluation.results import read_metrics

SHARED = Path(__file__).parents[3] / "shared" / "data"
RAW = Path(os.environ.get("TOWERBRIDGE_DATA", SHARED)) / "movielens-100k"
NUM_USERS = 943

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not RAW.is_dir(),
        reason="no MovieLens-100K here; set TOWERBRIDGE_DATA to the folder of movielens-100k/",
    ),
]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movielens")
    places = ("dataset=movielens", f'dataset.root="{RAW}"', "artifacts=out")
    # Titles without plots: encoding the plots would take as long as everything else.
    described = 'dataset.items.features.description.template="{title}"'
    small = (described, "retrieval.epochs=3", "ranker.candidates=100", "ranker.iterations=100")
    for module in ("feature_pipeline", "training_pipeline"):
        done = run_module(module, folder, *places, *small)
        assert done.returncode == 0, done.stderr
    return folder / "out"


def test_above_item_knn(artifacts):
    bundles = artifacts / "movielens" / "bundles"
    rows = read_metrics(bundles / (bundles / "current").read_text().strip() / "metrics.json")
    wanted = ("test", "all", "NDCG@10")
    tested = {row.model: row for row in rows if (row.split, row.segment, row.metric) == wanted}
    assert tested["catboost"].n > 0.9 * NUM_USERS
    assert tested["catboost"].value > tested["item kNN"].value


def test_the_ranker_earns_its_place(artifacts):
    bundles = artifacts / "movielens" / "bundles"
    bundle = bundles / (bundles / "current").read_text().strip()
    ranker = json.loads((bundle / "manifest.json").read_text())["ranker"]
    assert ranker["published"]
    assert (bundle / "ranker.cbm").is_file()
    assert ranker["expected calibration error"] < 0.01


def test_recommends_to_a_user(artifacts):
    places = ("dataset=movielens", f"artifacts={artifacts}")
    done = run_module("inference", artifacts.parent, *places, "user=196", "k=5", "format=json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["user_id"] == "196"
    assert len({row["item_id"] for row in answer["recommendations"]}) == 5
    assert all(row["title"] for row in answer["recommendations"])
    chances = [row["chance"] for row in answer["recommendations"]]
    assert all(0 <= chance <= 1 for chance in chances)
    assert chances == sorted(chances, reverse=True)
