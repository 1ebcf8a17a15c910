"""A bundle without a ranker, served end to end: the retrieval order, and nothing that only a ranker knows."""

import json

import numpy as np
import pandas as pd
import pytest

from inference.__main__ import main
from inference.recommender import Recommender
from tests.inference.composed import compose_tiny
from tests.tiny_store import SILENT_USER

USERS = ("user-00", "user-01", SILENT_USER)


@pytest.fixture(scope="module")
def served(unranked) -> Recommender:
    return Recommender(unranked)


@pytest.fixture
def infer(unranked_artifacts, capsys):
    """Runs the command on the bundle; returns what it printed on stdout."""

    def run(*overrides: str) -> str:
        main(compose_tiny("infer", unranked_artifacts, *overrides))
        return capsys.readouterr().out

    return run


def test_the_bundle_has_neither_ranker_nor_calibration(unranked):
    assert (unranked.ranker, unranked.calibration) == (None, None)
    assert {"pair_ease", "pair_slit", "pair_after_last1"} < {signal.name for signal in unranked.signals}


def test_recommends_by_retrieval_score(served):
    found = served.recommend(["user-00"], 28)
    assert found["rank"].tolist() == list(range(1, 29))
    assert (np.diff(found["retrieval_score"]) <= 0).all()
    assert found["ranking_score"].tolist() == found["retrieval_score"].tolist()
    assert found["chance"].isna().all()
    assert found["chance"].dtype == "float32"


def test_retrieves_what_the_bundle_with_a_ranker_retrieves(served, recommender):
    """And orders it otherwise, else the ranker would be idle."""
    for user in USERS:
        with_ranker, without = (one.recommend([user], 25) for one in (recommender, served))
        assert list(with_ranker.columns) == list(without.columns)
        assert with_ranker["item_id"].tolist() != without["item_id"].tolist()
        scores = with_ranker.set_index("item_id")["retrieval_score"].sort_index()
        pd.testing.assert_series_equal(without.set_index("item_id")["retrieval_score"].sort_index(), scores)


def test_the_one_reason_is_the_nearest_item_of_the_history(served, unranked):
    titles = dict(zip(unranked.tables.items["item_id"], unranked.tables.items["title"], strict=True))
    places = pd.Index(unranked.tables.items["item_id"])
    past = places.get_indexer(served.get_history("user-00", 12)["item_id"])
    unit = unranked.item_embeddings / np.linalg.norm(unranked.item_embeddings, axis=1, keepdims=True)
    found = served.recommend(["user-00"], 5, explain=True)
    for item_id, reasons in zip(found["item_id"], found["reasons"], strict=True):
        nearest = past[np.argmax(unit[past] @ unit[places.get_loc(item_id)])]
        (reason,) = reasons
        assert reason.startswith("close to what you chose before")
        assert reason.endswith(f": {titles[places[nearest]]}")


def test_a_user_without_history_hears_no_reason(served):
    assert served.recommend([SILENT_USER], 5, explain=True)["reasons"].tolist() == [[]] * 5


def test_together_as_one_by_one(served):
    together = served.recommend(USERS, 10)
    alone = pd.concat([served.recommend([user], 10) for user in USERS], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone, rtol=1e-5, atol=1e-5)


def test_the_table_leaves_the_chance_blank(infer, served):
    header, *lines = infer("user=user-00", "k=3").splitlines()
    assert header.split() == ["rank", "title", "retrieval", "ranking", "chance", "reasons"]
    column = slice(header.index("chance"), header.index("reasons"))
    assert [line[column].strip() for line in lines] == ["", "", ""]
    assert all("close to what you chose before: Thing" in line for line in lines)


def test_json_leaves_the_chance_out(infer, served):
    answer = json.loads(infer("user=user-00", "k=3", "format=json"))
    expected = served.recommend(["user-00"], 3, explain=True).drop(columns=["user_id", "chance"])
    assert answer["recommendations"] == expected.to_dict("records")


def test_the_file_for_everyone_has_a_column_of_unknown_chances(infer, tmp_path):
    infer("user=all", "k=3", f"out={tmp_path / 'all.parquet'}")
    found = pd.read_parquet(tmp_path / "all.parquet")
    assert len(found) == 40 * 3
    assert found["chance"].dtype == "float32"
    assert found["chance"].isna().all()
    assert found["ranking_score"].equals(found["retrieval_score"].rename("ranking_score"))


def test_a_page_is_written_all_the_same(infer, tmp_path):
    infer("user=user-00", f"html={tmp_path / 'page.html'}")
    assert "close to what you chose before: Thing" in (tmp_path / "page.html").read_text()
