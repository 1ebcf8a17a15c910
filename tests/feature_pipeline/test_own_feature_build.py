"""A feature from a file of the user's own goes through a build, and the store knows the very file."""

from pathlib import Path

import pytest

from feature_pipeline.build import build_features
from feature_pipeline.features.registry import FeatureFileError
from feature_pipeline.store import open_store
from tests.feature_pipeline.shop import compose_shop, draw_events, write_config, write_shop

FEATURE = """
from feature_pipeline.features.feature import StateFeature
from feature_pipeline.schema import FeatureSpec


class Double(StateFeature):
    side = "query"
    key = "user"

    def list_specs(self, columns):
        return [FeatureSpec("user_twice", "query", "numeric")]

    def read(self, moment):
        return {"user_twice": moment.count() * 2}
"""


def test_a_file_of_ones_own_is_built_pinned_and_refused_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "double.py"
    file.write_text(FEATURE)
    write_shop(tmp_path / "raw", draw_events(100, seed=3))
    conf = write_config(tmp_path, tmp_path / "raw")

    built = build_features(compose_shop(conf, tmp_path / "artifacts", f"+point_in_time.double.file={file}"))

    events = built.read_table("interactions")
    assert events["user_twice"].equals(2 * events["user_events_before"])
    assert "user_twice" in [spec.name for spec in built.get_specs("interactions")]
    assert len(built.features) == len(built.manifest["point_in_time"])
    file.write_text(FEATURE.replace("* 2", "* 3"))
    with pytest.raises(FeatureFileError, match="has changed since the feature store was built"):
        _ = open_store(built.path).features


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    write_shop(tmp_path / "raw", draw_events(100, seed=3))
    conf = write_config(tmp_path, tmp_path / "raw")
    with pytest.raises(FeatureFileError, match="no such file"):
        build_features(compose_shop(conf, tmp_path / "artifacts", "+point_in_time.double.file=nowhere.py"))
