"""A build that takes unchanged months over from the live store equals a full one, byte for byte."""

from pathlib import Path

import pandas as pd
import pytest

from feature_pipeline.build import build_features
from feature_pipeline.store import FeatureStore
from tests.feature_pipeline.shop import compose_shop, draw_events, write_config, write_shop

pytestmark = pytest.mark.slow

EVENTS = draw_events(400, seed=1)
NEW = draw_events(60, seed=2, first="2024-05-10", days=40)


def build(folder: Path, events: pd.DataFrame, artifacts: str, *more: str) -> FeatureStore:
    write_shop(folder / "raw", events)
    conf = write_config(folder, folder / "raw")
    return build_features(compose_shop(conf, folder / artifacts, *more))


def read_told(captured: pytest.CaptureFixture[str]) -> str:
    lines = captured.readouterr().err.splitlines()
    return next(line for line in lines if line.startswith("point-in-time"))


def insert(events: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([events, new], ignore_index=True)


@pytest.mark.parametrize(
    ("after", "unchanged"),
    [
        (insert(EVENTS, NEW), "4 of 6 months unchanged"),
        # One event of March that came in late: nothing before it can change.
        (insert(EVENTS, EVENTS.iloc[[0]].assign(time=1_710_000_001)), "2 of 4 months unchanged"),
        (EVENTS.iloc[:-5], "3 of 4 months unchanged"),
        (EVENTS.iloc[1:], "0 of 4 months unchanged"),
        (EVENTS, "4 of 4 months unchanged"),
    ],
)
def test_appended_late_and_removed_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], after: pd.DataFrame, unchanged: str
) -> None:
    build(tmp_path, EVENTS, "grown")
    assert "0 of 4 months unchanged" in read_told(capsys)

    grown = build(tmp_path, after, "grown")
    assert unchanged in read_told(capsys)

    whole = build(tmp_path, after, "whole")
    assert grown.manifest["checksums"] == whole.manifest["checksums"]
    assert grown.manifest == whole.manifest


def test_other_features_or_parameters_take_nothing_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, EVENTS, "grown")
    for more in ("point_in_time.user_events.windows=[all,7d]", "+point_in_time.context_season={}"):
        capsys.readouterr()
        build(tmp_path, EVENTS, "grown", more)
        assert "0 of 4 months unchanged" in read_told(capsys)


def test_features_of_candidates_may_change_without_another_month(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, EVENTS, "grown")
    capsys.readouterr()
    build(tmp_path, EVENTS, "grown", "point_in_time.item_events.windows=[all]")
    assert "4 of 4 months unchanged" in read_told(capsys)


def test_a_damaged_store_is_not_built_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = build(tmp_path, EVENTS, "grown")
    month = first.get_partition("2024-02")
    month.write_bytes(month.read_bytes()[:-1])
    capsys.readouterr()

    again = build(tmp_path, EVENTS, "grown")

    assert "0 of 4 months unchanged" in read_told(capsys)
    assert again.id == first.id
