"""The index's settings, as every command reads them."""

import sys

import pytest

from feature_pipeline.config import ConfigError
from feature_pipeline.errors import UserError
from tests.inference.composed import compose_config
from training_pipeline.index_config import ExactConfig, ScannConfig, read_index


@pytest.mark.parametrize("command", ["infer", "serve", "search", "train", "certify"])
def test_the_index_is_exact_unless_another_is_asked_for(command):
    assert read_index(compose_config(command)) == ExactConfig(name="exact")
    pytest.importorskip("scann", reason="the extra scann is not installed")
    config = read_index(compose_config(command, "index=scann", "index.leaves=300"))
    assert isinstance(config, ScannConfig)
    assert (config.leaves, config.min_recall) == (300, 0.99)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("index.leaves_to_search=0", "index.leaves_to_search: Input should be greater than 0, found 0"),
        ("index.min_recall=1.5", "index.min_recall: Input should be less than or equal to 1, found 1.5"),
        (
            "+index.reorderd=9",
            "unknown key 'index.reorderd', did you mean 'index.reorder'? "
            "Choices: leaves, leaves_to_search, min_recall, name, reorder",
        ),
    ],
)
def test_wrong_settings_of_the_index(override, message):
    with pytest.raises(ConfigError) as error:
        read_index(compose_config("train", "index=scann", override))
    assert str(error.value) == message


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scann", None)
    with pytest.raises(UserError) as error:
        read_index(compose_config("infer", "index=scann"))
    assert str(error.value) == (
        "index=scann: expected the package scann, found none. Remedy: make extras, or "
        "pip install 'towerbridge[scann]'"
    )
