"""`python -m inference`, called as a function: stdout, stderr and files."""

import json

import pandas as pd
import pytest

from feature_pipeline.artefact import ArtefactError
from inference.__main__ import main
from tests.inference.composed import compose_tiny
from tests.tiny_store import SILENT_USER


@pytest.fixture
def infer(trained, capsys):
    """Runs the command; returns what it printed on stdout and on stderr."""

    def run(*overrides: str) -> tuple[str, str]:
        main(compose_tiny("infer", trained.artifacts, *overrides))
        return capsys.readouterr()

    return run


def test_table(infer, recommender):
    out, err = infer("user=user-00", "k=3")
    lines = out.splitlines()
    assert lines[0].split() == ["rank", "title", "retrieval", "ranking", "chance", "reasons"]
    titles = recommender.recommend(["user-00"], 3)["title"]
    assert [line[:14].rstrip() for line in lines[1:]] == [f"{r}     {t}" for r, t in enumerate(titles, 1)]
    assert err == ""


def test_json(infer, bundle, recommender):
    out, err = infer("user=user-00", "k=3", "format=json")
    answer = json.loads(out)
    assert list(answer) == ["user_id", "bundle", "recommendations"]
    assert (answer["user_id"], answer["bundle"], err) == ("user-00", bundle.id, "")
    expected = recommender.recommend(["user-00"], 3, explain=True).drop(columns="user_id")
    assert answer["recommendations"] == expected.to_dict("records")


def test_twice_the_same(infer):
    assert infer("user=user-05", "format=json") == infer("user=user-05", "format=json")


def test_moment_and_context_count(infer):
    usual = infer("user=user-00", "format=json")
    assert infer("user=user-00", "format=json", "as_of=2024-02-01") != usual
    assert infer("user=user-00", "format=json", "context={device: desk}") != infer(
        "user=user-00", "format=json", "context={device: phone}"
    )


def test_page_beside_the_table(infer, tmp_path):
    out, err = infer(f"user={SILENT_USER}", f"html={tmp_path / 'page.html'}")
    assert len(out.splitlines()) == 11
    assert err == f"page: {tmp_path / 'page.html'}\n"
    assert SILENT_USER in (tmp_path / "page.html").read_text()


def test_page_stands_at_the_moment(infer, tmp_path):
    infer("user=user-00", f"html={tmp_path / 'page.html'}", "as_of=2024-01-01")
    assert "Nothing yet" in (tmp_path / "page.html").read_text()


def test_everyone(infer, tmp_path, bundle, recommender):
    out, err = infer("user=all", "k=20", f"out={tmp_path / 'all.parquet'}")
    found = pd.read_parquet(tmp_path / "all.parquet")
    assert out == ""
    assert "recommend to all" in err
    assert f"{len(found)} rows" in err
    assert list(found.columns) == [
        *("user_id", "item_id", "rank", "retrieval_score", "ranking_score", "chance")
    ]
    assert found["chance"].dtype == "float32"
    assert found["user_id"].unique().tolist() == bundle.tables.users["user_id"].tolist()
    expected = recommender.recommend(["user-09"], 20)[list(found.columns)]
    own = found[found["user_id"] == "user-09"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, expected.astype({"rank": "int32"}), rtol=1e-5, atol=1e-5)


def test_everyone_at_a_moment(infer, tmp_path):
    """Before the first event nobody has met anything, so that all have the whole corpus before them."""
    infer("user=all", "k=40", f"out={tmp_path / 'all.parquet'}", "as_of=2024-01-01")
    assert pd.read_parquet(tmp_path / "all.parquet").groupby("user_id").size().eq(40).all()


def test_a_bundle_by_its_id(infer, bundle):
    assert json.loads(infer("user=user-00", "format=json", f"bundle={bundle.id}")[0])["bundle"] == bundle.id
    with pytest.raises(ArtefactError, match=f"no such directory; there are: {bundle.id}"):
        infer("user=user-00", "bundle=elsewhere")


def test_no_bundle_yet(tmp_path):
    with pytest.raises(ArtefactError, match=r"nothing here yet. Remedy: run make train DATASET=tiny first"):
        main(compose_tiny("infer", tmp_path, "user=user-00"))
