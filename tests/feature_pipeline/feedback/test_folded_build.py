"""`make features` with feedback: files and logs in one store, by months, told and repeatable."""

from pathlib import Path

import pandas as pd
import pytest

from feature_pipeline.build import build_features
from feature_pipeline.config import ConfigError
from feature_pipeline.store import FeatureStore
from tests.feature_pipeline.feedback.shop_feedback import act, make_config, write_logs
from tests.feature_pipeline.shop import compose_shop, draw_events, write_config, write_shop
from tests.postgres_server import start_postgres

EVENTS = draw_events(200, seed=1)
FIRST = [act("a", "1", "2"), act("b", "1", "3", "click", 5), act("c", "eve", "2", minutes=6)]
LATER = [act("d", "2", "2", minutes=60 * 24 * 40), act("e", "1", "3", "undo", 7, undoes="b")]


def build(folder: Path, artifacts: str, *more: str, logs: str = "grown") -> FeatureStore:
    """Builds from the logs that lie beside the artefacts of `logs`."""
    write_shop(folder / "raw", EVENTS)
    conf = write_config(folder, folder / "raw")
    place = folder / logs / "shop"
    own = [f"feedback.{name}={place / name}.sqlite" for name in ("events", "users", "items")]
    return build_features(compose_shop(conf, folder / artifacts, *own, *more))


def read_told(captured: pytest.CaptureFixture[str], step: str) -> str:
    lines = captured.readouterr().err.splitlines()
    return next(line for line in lines if line.startswith(step))


def read_folded(store: FeatureStore) -> pd.DataFrame:
    events = store.read_table("interactions")
    return events[events["event_type"].str.startswith("feedback:")]


def test_without_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = build(tmp_path, "grown")
    told = read_told(capsys, "feedback").split()
    assert (told[1], told[-1]) == ("0", "none")
    assert read_folded(store).empty
    assert store.feedback.last_event == 0
    assert [path.name for path in (tmp_path / "grown" / "shop").iterdir()] == ["features"]


def test_grown_by_feedback_is_as_if_built_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_config(tmp_path / "grown" / "shop")
    build(tmp_path, "grown")
    capsys.readouterr()

    write_logs(config, FIRST, users={"eve": {"age": 30}})
    first = build(tmp_path, "grown")
    told = capsys.readouterr().err
    assert "1 of type click, 2 of type like, 1 users and 0 items new" in told
    assert "4 of 5 months unchanged" in told
    assert read_folded(first)["user_id"].tolist() == ["1", "1", "eve"]
    assert first.feedback.last_event == 3

    write_logs(config, LATER)
    grown = build(tmp_path, "grown")
    assert read_told(capsys, "feedback").endswith("3 of type like, 1 users and 0 items new, 1 taken back")
    whole = build(tmp_path, "whole")
    assert grown.manifest == whole.manifest
    assert read_folded(grown)["item_id"].tolist() == ["2", "2", "2"]

    again = build(tmp_path, "grown")
    assert again.id == grown.id


def test_what_the_features_read_of_them(tmp_path: Path) -> None:
    """The click came before the like of another item, five minutes earlier, by the same user."""
    write_logs(make_config(tmp_path / "grown" / "shop"), FIRST)
    events = read_folded(build(tmp_path, "grown", "point_in_time={user_events: {windows: [all]}}"))
    before = (EVENTS["user"] == 1).sum()
    assert events["user_events_before"].tolist() == [before, before + 1]
    assert events["weight"].tolist() == [EVENTS["stars"].median()] * 2


def test_whose_events_count(tmp_path: Path) -> None:
    write_logs(make_config(tmp_path / "grown" / "shop"), FIRST)
    store = build(tmp_path, "grown", "feedback.provenance=[simulated]")
    assert read_folded(store).empty
    with pytest.raises(ConfigError, match=r"^feedback\.provenance"):
        build(tmp_path, "grown", "feedback.provenance=[robot]")


def test_events_in_postgresql_are_folded_as_those_in_a_file(tmp_path: Path) -> None:
    write_logs(make_config(tmp_path / "grown" / "shop"), FIRST, users={"eve": {"age": 30}})
    from_file = build(tmp_path, "grown")
    with start_postgres() as url:
        place = tmp_path / "served" / "shop"
        write_logs(make_config(place, events=url), FIRST, users={"eve": {"age": 30}})
        from_server = build(tmp_path, "served", f"feedback.events='{url}'", logs="served")
    pd.testing.assert_frame_equal(read_folded(from_server), read_folded(from_file))
    assert from_server.feedback == from_file.feedback
