"""The built-in sample with default settings: the numbers that `make demo` shows must be worth showing."""

import pytest

from tests.end_to_end.commands import run_module
from training_pipeline.evaluation.results import MetricRow, read_metrics

pytestmark = pytest.mark.slow

TOWERS = tuple(
    f"two towers{what}"
    for what in (
        "",
        *(f", {part} hidden" for part in ("history", "text", "image", "text and image", "content")),
    )
)
BASELINES = [
    *("popularity", "recent popularity", "item kNN", "EASE", "SLIT", "last-item transitions"),
    *("content kNN, description_embedding", "content kNN, picture_embedding", "content kNN, all"),
]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MetricRow]:
    """NDCG@10 of each model over all test queries, after features and train."""
    folder = tmp_path_factory.mktemp("sample")
    for module in ("feature_pipeline", "training_pipeline"):
        done = run_module(module, folder)
        assert done.returncode == 0, done.stderr
    bundles = folder / "artifacts" / "sample" / "bundles"
    rows = read_metrics(bundles / (bundles / "current").read_text().strip() / "metrics.json")
    return {
        row.model: row for row in rows if (row.split, row.segment, row.metric) == ("test", "all", "NDCG@10")
    }


def test_every_stage_is_there_with_its_interval(tested):
    stages = {row.model: row.stage for row in tested.values()}
    assert stages == {
        **dict.fromkeys(BASELINES, "baseline"),
        **dict.fromkeys(TOWERS, "retrieval"),
        "catboost": "ranking",
    }
    assert len({row.n for row in tested.values()}) == 1
    assert all(row.low < row.value < row.high for row in tested.values())


def test_ranking_is_worth_three_times_popularity(tested):
    assert tested["catboost"].value >= 3 * tested["popularity"].value


def test_ranking_improves_on_retrieval(tested):
    assert tested["catboost"].value > tested["two towers"].value
