"""The typed configs: a key or value that does not fit is refused by name, with the choices."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from feature_pipeline.config import ConfigError, read_section, unknown_key
from feature_pipeline.dataset_config import DatasetConfig, FeatureColumn
from feature_pipeline.engine.connect import EngineConfig
from tests.feature_pipeline.invented import describe_dataset


def read_error(path: str, value: Any) -> str:
    config = OmegaConf.create({"dataset": describe_dataset()})
    OmegaConf.update(config, path, value, force_add=True)
    with pytest.raises(ConfigError) as error:
        read_section(DatasetConfig, config, "dataset")
    return str(error.value)


def test_a_right_section_becomes_its_class() -> None:
    config = read_section(DatasetConfig, OmegaConf.create({"dataset": describe_dataset()}), "dataset")

    assert config.items.features["kinds"] == FeatureColumn(kind="categorical", separator="|")
    assert config.interactions.time_unit == "s"
    assert config.repeats is False


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "dataset.repeat",
            "unknown key 'dataset.repeat', did you mean 'dataset.repeats'? Choices: interactions, items, "
            "max_quarantine_share, name, reader, repeats, root, users",
        ),
        (
            "dataset.items.features.kinds.separater",
            "unknown key 'dataset.items.features.kinds.separater', did you mean "
            "'dataset.items.features.kinds.separator'? Choices: column, kind, separator, template",
        ),
        (
            "dataset.items.titel",
            "unknown key 'dataset.items.titel', did you mean 'dataset.items.title'? "
            "Choices: database, delimiter, features, file, key, table, title",
        ),
        (
            "dataset.interactions.zzz",
            "unknown key 'dataset.interactions.zzz'. Choices: context, database, delimiter, duplicates, "
            "event_time, event_type, file, item_id, min_weight, outcome, table, time_resolution, time_unit, "
            "user_id, weight",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_and_all_choices(path: str, message: str) -> None:
    assert read_error(path, "x") == message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "dataset.reader",
            "movilens",
            "dataset.reader: Input should be 'sample', 'movielens', 'amazon_reviews' or 'tables', "
            "found 'movilens'",
        ),
        (
            "dataset.interactions.min_weight",
            "four",
            "dataset.interactions.min_weight: Input should be a valid number, unable to parse string "
            "as a number, found 'four'",
        ),
        (
            "dataset.max_quarantine_share",
            2,
            "dataset.max_quarantine_share: Input should be less than or equal to 1, found 2",
        ),
        ("dataset.items.title", 5, "dataset.items.title: Input should be a valid string, found 5"),
        ("dataset.name", 5, "dataset.name: Input should be a valid string, found 5"),
        (
            "dataset.users.features.age.separator",
            "|",
            "dataset.users.features.age: separator goes with kind categorical, not numeric",
        ),
        (
            "dataset.users.features.age.template",
            "{age}",
            "dataset.users.features.age: template goes with kind text or image, not numeric",
        ),
        (
            "dataset.interactions.context",
            {"mood": {"kind": "text"}},
            "dataset.interactions: context feature 'mood' cannot be of kind text",
        ),
        (
            "dataset.items.features.text.template",
            "{name",
            "dataset.items.features.text: expected '}' before end of string",
        ),
        (
            "dataset.items.features.text.template",
            "no place",
            "dataset.items.features.text: template 'no place' names no column; write it as '{title}. {plot}'",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(path: str, value: Any, message: str) -> None:
    assert read_error(path, value) == message


@pytest.mark.parametrize("template", ["{}", "{0}", "{name.upper}", "{name[0]}", "{year:.0f}", "{name!r}"])
def test_a_template_holds_column_names_and_nothing_else(template: str) -> None:
    assert read_error("dataset.items.features.text.template", template) == (
        f"dataset.items.features.text: template {template!r} may hold only column names in braces"
    )


def test_template_columns_are_named_once_in_their_order() -> None:
    feature = FeatureColumn(kind="text", template="{b} and {a c}, {b} {{no}}")

    assert feature.template_columns == ("b", "a c")


def test_a_required_key_that_is_absent_is_named() -> None:
    config = OmegaConf.create({"engine": {"name": "duckdb", "memory_limit": "1GB"}})

    with pytest.raises(ConfigError, match=r"^engine\.threads: Field required$"):
        read_section(EngineConfig, config, "engine")


def test_all_faults_are_told_at_once() -> None:
    config = OmegaConf.create({"engine": {"name": "duck", "threads": 0, "memory_limit": "1GB"}})

    with pytest.raises(ConfigError) as error:
        read_section(EngineConfig, config, "engine")

    assert str(error.value) == (
        "engine.name: Input should be 'duckdb' or 'spark', found 'duck'; "
        "engine.threads: Input should be greater than or equal to 1, found 0"
    )


def test_a_value_left_open_in_the_yaml_is_asked_for() -> None:
    assert read_error("dataset.root", "???") == (
        "dataset.root: Missing mandatory value: root. Remedy: give dataset.root=VALUE"
    )


def test_a_reference_to_nowhere_is_named() -> None:
    assert read_error("dataset.root", "${nosuch}/raw") == (
        "dataset.root: Interpolation key 'nosuch' not found. Remedy: give dataset.root=VALUE"
    )


@pytest.mark.parametrize(("section", "found"), [({}, "None"), ({"engine": "duckdb"}, "'duckdb'")])
def test_a_section_that_is_no_section_is_refused(section: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_section(EngineConfig, OmegaConf.create(section), "engine")

    expected = "engine: Input should be a valid dictionary or instance of EngineConfig"
    assert str(error.value) == f"{expected}, found {found}"


def test_unknown_key_hints_only_at_what_is_near() -> None:
    assert unknown_key("a.titel", ["key", "title"]) == (
        "unknown key 'a.titel', did you mean 'a.title'? Choices: key, title"
    )
    assert unknown_key("zzz", ["key", "title"]) == "unknown key 'zzz'. Choices: key, title"
