"""`python -m inference.search`: what may be looked for, and what is printed."""

import json

import pytest

from feature_pipeline.config import ConfigError
from feature_pipeline.errors import UserError
from inference.search import main, read_search
from tests.inference.composed import compose_config, compose_tiny


@pytest.fixture
def search(trained, capsys):
    """Runs the command; returns what it printed on stdout."""

    def run(*overrides: str) -> str:
        main(compose_tiny("search", trained.artifacts, *overrides))
        return capsys.readouterr().out

    return run


def test_others_like_an_item(search, recommender):
    lines = search("item=item-04", "by=tower", "k=3").splitlines()
    assert lines[0].split() == ["rank", "item", "title", "score"]
    expected = recommender.similar("item-04", "tower", 3)["item_id"]
    assert [line.split()[1] for line in lines[1:]] == list(expected)


def test_json(search, bundle):
    answer = json.loads(search("item=item-04", "by=tower", "k=3", "format=json"))
    assert list(answer) == ["bundle", "items"]
    assert answer["bundle"] == bundle.id
    assert [row["rank"] for row in answer["items"]] == [1, 2, 3]
    assert "item-04" not in {row["item_id"] for row in answer["items"]}


@pytest.mark.parametrize(
    ("overrides", "found"),
    [([], "nothing"), (["text=boats", "item=a"], "both"), (["image=x", "item=a"], "both")],
)
def test_one_thing_is_looked_for(overrides, found):
    with pytest.raises(ConfigError) as error:
        read_search(compose_config("search", *overrides))
    expected = "expected text or image, or an item to find others like, found "
    assert str(error.value) == expected + found


def test_a_picture_that_is_not_there(search, tmp_path):
    with pytest.raises(UserError) as error:
        search(f"image={tmp_path}/none.png")
    assert str(error.value) == f"image={tmp_path}/none.png: not readable (No such file or directory)"
