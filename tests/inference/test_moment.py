"""Queries: the moment, its features, and a context that is read as the interactions table holds it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.errors import UserError
from feature_pipeline.values import to_instant
from inference.moment import build_queries
from tests.tiny_store import SILENT_USER
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import open_live_features


@pytest.fixture(scope="module")
def live(bundle):
    return open_live_features(bundle.tables, bundle.standing)


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


def test_holds_every_feature_of_the_moment(bundle, live):
    queries = build_queries(bundle, live, ["user-00"], datetime(2024, 3, 1), {"device": "phone"})
    declared = [spec.name for spec in live.builder.query_specs]
    assert list(queries.columns) == ["user_id", "as_of", "as_of_order", *declared, "device"]
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
