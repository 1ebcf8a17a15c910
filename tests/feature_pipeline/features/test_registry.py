"""Features by name: the default config, mistyped names and parameters, and digests."""

import pytest
from hydra import compose, initialize_config_dir

from feature_pipeline.config import ConfigError
from feature_pipeline.entry import CONF
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.registry import (
    FEATURES,
    compute_digest,
    load_features,
    pin,
    read_features,
)
from tests.feature_pipeline.features.worlds import COLUMNS


def read(*overrides: str) -> dict[str, Feature]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return read_features(compose("project", list(overrides)))


def test_the_default_choice_loads_in_its_order_and_makes_columns():
    features = read()
    assert list(features)[:2] == ["user_events", "user_recency"]
    assert features.keys() <= FEATURES.keys()
    assert all(type(feature) is FEATURES[name] for name, feature in features.items())
    names = [spec.name for feature in features.values() for spec in feature.list_specs(COLUMNS)]
    assert len(set(names)) == len(names)


def test_the_command_line_leaves_out_adds_and_sets_parameters():
    features = read(
        "~point_in_time.item_trend",
        "+point_in_time.context_season={hemisphere: south}",
        "point_in_time.user_events.windows=[7d]",
    )
    assert "item_trend" not in features
    assert list(features)[-1] == "context_season"
    assert repr(features["context_season"]) == "ContextSeason(hemisphere='south')"
    assert repr(features["user_events"]) == "UserEvents(windows=('7d',))"


def test_defaults_stand_where_no_parameter_is_given():
    assert load_features({"item_age": None, "pair_met": {}}) == {
        "item_age": FEATURES["item_age"](),
        "pair_met": FEATURES["pair_met"](),
    }


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"user_event": {}}, "point_in_time.user_event', did you mean 'point_in_time.user_events'"),
        ({"night_owl": {}}, "or give point_in_time.night_owl.file a file of your own"),
        ({"item_age": {"units": "days"}}, "item_age.units', did you mean 'point_in_time.item_age.unit'"),
        (
            {"item_age": {"unit": "weeks"}},
            "point_in_time.item_age.unit.*'minutes', 'hours' or 'days'.*'weeks'",
        ),
        (
            {"user_events": {"windows": ["30d", "1w"]}},
            "user_events.windows.1: expected a window as 30d.*'1w'",
        ),
        (
            {"item_trend": {"short": "30d"}},
            "point_in_time.item_trend: expected short to be shorter than long",
        ),
        ({"context_celebrations": {"dates": ["12.25"]}}, "month and day, as 12-25, found '12.25'"),
        ({"pair_transitions": {"lasts": [0]}}, "point_in_time.pair_transitions.lasts.0: .*found 0"),
        ({"user_events": ["30d"]}, "point_in_time.user_events: expected parameters by name.*found .'30d'"),
        ({"user_events": 30}, "point_in_time.user_events: expected parameters by name.*found 30"),
    ],
)
def test_what_is_mistyped_is_named(chosen: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message) as error:
        load_features(chosen)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "parameter", "near"),
    [("pair_category", "categories", "genres"), ("pair_closeness", "numbers", "price")],
)
def test_an_item_column_that_is_not_there_is_named(name: str, parameter: str, near: str):
    feature = load_features({name: {parameter: [near + "s"]}})[name]
    with pytest.raises(ConfigError, match=f"{name}.{parameter}.{near}s', did you mean .*{near}'"):
        feature.list_specs(COLUMNS)


def test_the_digest_follows_features_parameters_and_order():
    def digest(chosen: dict[str, object]) -> str:
        return compute_digest(list(load_features(chosen).values()))

    one = {"user_events": {"windows": ["30d"]}, "item_age": None}
    assert digest(one) == digest({"user_events": {"windows": ("30d",)}, "item_age": {"unit": "days"}})
    others = [
        {"user_events": {"windows": ["30d", "7d"]}, "item_age": None},
        {"user_events": {"windows": ["30d"]}},
        {"item_age": None, "user_events": {"windows": ["30d"]}},
        {"user_events": {"windows": ["30d"]}, "item_age": {"unit": "hours"}},
    ]
    assert len({digest(chosen) for chosen in (one, *others)}) == 5


def test_pinning_keeps_what_was_chosen():
    assert pin({"user_events": {"windows": ["30d"]}, "item_age": None}) == {
        "user_events": {"windows": ["30d"]},
        "item_age": {},
    }
