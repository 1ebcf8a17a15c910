"""Queries: the moment, its features, and a context that is read as the interactions table holds it."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.errors import UserError
from feature_pipeline.point_in_time import find_untimed
from feature_pipeline.splits import build_serving_queries
from feature_pipeline.values import to_instant
from inference.moment import build_queries
from inference.parity import choose_users, measure_parity
from inference.recommender import Recommender
from inference.served import build_told_queries
from tests.tiny_store import SILENT_USER
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import open_live_features


@pytest.fixture(scope="module")
def live(bundle):
    return open_live_features(bundle.tables, bundle.standing)


def evaluate_on_last_events(bundle: Bundle) -> Bundle:
    """The same bundle, were its split `leave_last_out`."""
    config = bundle.manifest["config"]
    split = {**config["split"], "name": "leave_last_out"}
    return Bundle(bundle.path, {**bundle.manifest, "config": {**config, "split": split}})


@pytest.fixture(scope="module")
def wider(bundle):
    """The same bundle, were a number, a time and a list of tags known of each moment."""
    count = len(bundle.tables.interactions)
    events = bundle.tables.interactions.assign(
        noise=np.arange(count, dtype=float),
        opened=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(count), unit="D"),
        tags=[np.array([f"tag-{place}"]) for place in range(count)],
    )
    context = {
        "noise": {"kind": "numeric"},
        "opened": {"kind": "timestamp"},
        "tags": {"kind": "categorical", "separator": "|"},
    }
    manifest = bundle.store.manifest
    dataset = {
        **manifest["dataset"],
        "interactions": {**manifest["dataset"]["interactions"], "context": context},
    }
    copy = Bundle(bundle.path, bundle.manifest)
    vars(copy)["store"] = replace(bundle.store, manifest={**manifest, "dataset": dataset})
    vars(copy)["tables"] = replace(bundle.tables, interactions=events)
    return copy


def test_default_moment_is_just_after_the_last_event_of_all(bundle, live):
    queries = build_queries(bundle, live, ["user-00", SILENT_USER], None, {})
    end = bundle.tables.interactions["event_time"].max() + pd.Timedelta(1, "us")
    assert (queries["as_of"] == end.to_datetime64()).tolist() == [True, True]
    assert queries["untimed"].tolist() == [False, False]


@pytest.fixture(scope="module")
def left_open(bundle):
    """The same bundle, had it been evaluated on the users' last events."""
    return evaluate_on_last_events(bundle)


class TestMomentNobodyKnows:
    def test_stands_in_the_instant_of_the_users_own_last_event(self, left_open, live):
        queries = build_queries(left_open, live, ["user-00", SILENT_USER, "user-01"], None, {})
        events = left_open.tables.interactions
        own = events.groupby("user_id")["event_time"].max()
        end = events["event_time"].max() + pd.Timedelta(1, "us")
        expected = [own["user-00"], end, own["user-01"]]
        assert queries["as_of"].tolist() == [moment.to_datetime64() for moment in expected]
        assert queries["untimed"].tolist() == [True, False, True]

    def test_has_the_features_of_that_event_and_the_whole_history(self, left_open, live):
        queries = build_queries(left_open, live, ["user-00"], None, {})
        own = left_open.tables.interactions.query("user_id == 'user-00'").sort_values("event_time")
        assert queries["user_events_before"][0] == own["user_events_before"].iloc[-1] == len(own) - 1
        assert list(queries["device"][0]) == list(own["device"].iloc[-1])
        history = live.builder.find_history(queries, len(own))[0]
        assert history.tolist() == left_open.tables.find_items(own["item_id"]).tolist()

    def test_is_none_that_is_said(self, left_open, live):
        said = build_queries(left_open, live, ["user-00"], datetime(2024, 3, 1), {})
        assert said["untimed"].tolist() == [False]
        assert said["as_of"][0] == np.datetime64("2024-03-01")

    def test_the_recommender_and_trainings_own_code_agree(self, left_open):
        users = choose_users(left_open)
        asked = build_serving_queries(left_open.tables.interactions, users, left_open.split)
        assert asked["untimed"].sum() > len(users) // 2
        serve = partial(Recommender(left_open).recommend, duplicates=True)
        engine = EngineConfig(name="duckdb", threads=1, memory_limit="1GB")
        parity = measure_parity(left_open, engine, asked, serve)
        assert (parity.users, parity.candidates) == (len(users), 25 * len(users))
        assert parity.largest_difference <= 1e-6

    def test_a_service_is_told_the_moment_just_after(self, left_open):
        told = build_told_queries(left_open, ["user-00", SILENT_USER])
        asked = build_serving_queries(
            left_open.tables.interactions, ["user-00", SILENT_USER], left_open.split
        )
        assert (told["as_of"] - asked["as_of"]).tolist() == [pd.Timedelta(1, "us"), pd.Timedelta(0)]
        assert not find_untimed(told).any()


def test_holds_every_feature_of_the_moment(bundle, live):
    queries = build_queries(bundle, live, ["user-00"], datetime(2024, 3, 1), {"device": "phone"})
    declared = [spec.name for spec in live.builder.query_specs]
    assert list(queries.columns) == ["user_id", "as_of", "as_of_order", "untimed", *declared, "device"]
    assert queries["as_of"][0] == np.datetime64("2024-03-01")
    events = bundle.tables.interactions
    earlier = events[(events["user_id"] == "user-00") & (events["event_time"] < "2024-03-01")]
    assert queries["user_events_before"][0] == len(earlier)


def test_context_comes_from_the_latest_event_before_the_moment(bundle, live):
    events = bundle.tables.interactions
    own = events[events["user_id"] == "user-00"]
    devices = [device[0] for device in own["device"]]
    assert len(set(devices)) == 2
    for place in range(1, len(own)):
        moment = own["event_time"].iloc[place].to_pydatetime()
        query = build_queries(bundle, live, ["user-00"], moment, {})
        assert list(query["device"][0]) == [devices[place - 1]]


def test_context_of_a_user_without_events_is_empty(bundle, live):
    queries = build_queries(bundle, live, [SILENT_USER, "user-00"], None, {})
    assert [len(device) for device in queries["device"]] == [0, 1]


def test_context_is_read_by_its_kind(wider, live):
    given = {"noise": "2.5", "opened": "2024-05-01T12:00:00+02:00", "tags": "new | red"}
    query = build_queries(wider, live, ["user-00", SILENT_USER], None, given)
    assert query["noise"][1] == 2.5
    assert query["opened"][1] == np.datetime64("2024-05-01T10:00:00")
    assert list(query["tags"][1]) == ["new", "red"]


def test_context_left_open_keeps_its_kind(wider, live):
    queries = build_queries(wider, live, ["user-00", SILENT_USER], None, {})
    latest = wider.tables.interactions.query("user_id == 'user-00'").iloc[-1]
    assert queries["noise"].dtype == np.float64
    assert queries["noise"][0] == latest["noise"]
    assert np.isnan(queries["noise"][1])
    assert queries["opened"][0] == latest["opened"]
    assert pd.isna(queries["opened"][1])
    assert [list(tags) for tags in queries["tags"]] == [list(latest["tags"]), []]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"noise": "loud"}, "context 'noise': expected a number, found 'loud'"),
        ({"opened": "soon"}, "context 'opened': expected a time (ISO 8601), found 'soon'"),
        ({"device": "phone"}, "context 'device' is unknown. Choices: noise, opened, tags"),
    ],
)
def test_context_that_is_not_of_its_kind(wider, live, given, message):
    with pytest.raises(UserError) as error:
        build_queries(wider, live, ["user-00"], None, given)
    assert str(error.value) == message


def test_instants_are_utc_without_a_zone():
    assert to_instant(datetime(2024, 5, 1, 12)) == np.datetime64("2024-05-01T12:00:00", "us")
    assert to_instant(datetime(2024, 5, 1, 12, tzinfo=UTC)) == np.datetime64("2024-05-01T12:00:00", "us")
    zoned = datetime.fromisoformat("2024-05-01T12:00:00-05:00")
    assert to_instant(zoned) == np.datetime64("2024-05-01T17:00:00", "us")
