"""Requests: what is read from the command line, and one line for what is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feature_pipeline.config import ConfigError
from inference.config import Request, read_engine, read_request
from tests.inference.composed import compose_config


def read(*overrides: str) -> Request:
    return read_request(compose_config("infer", *overrides))


def test_defaults():
    assert read("user=u1") == Request(
        user="u1",
        profile=None,
        likes=[],
        k=10,
        format="table",
        html=None,
        out=None,
        bundle=None,
        as_of=None,
        context=None,
        filters=None,
        exclude=[],
        diversity=0,
        caps=None,
    )


@pytest.mark.parametrize(
    ("override", "user"),
    [
        ("user=196", "196"),
        ("user=007", "007"),
        ('user="007"', "007"),
        ('user="1e3"', "1e3"),
        ('user="a b"', "a b"),
        ('user="true"', "true"),
        ('user="été/1"', "été/1"),
        ("user=user-001", "user-001"),
    ],
)
def test_user_ids_stay_as_they_are(override, user):
    assert read(override).user == user


def test_everything_given():
    request = read(
        "user=u1",
        "k=3",
        "format=json",
        'html="out/a page.html"',
        "bundle=abc",
        "as_of=2024-05-01T12:00:00Z",
        "context={device: phone, hour: 7}",
    )
    assert (request.k, request.format, request.bundle) == (3, "json", "abc")
    assert request.html == Path("out/a page.html")
    assert request.as_of == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert request.context == {"device": "phone", "hour": "7"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            [],
            "user: expected a user id or all, or a profile or likes of somebody new, found nothing. "
            "Remedy: make infer USER=ID, or user=ID",
        ),
        (
            ["likes=[a]", "html=x.html"],
            "html: expected a known user for a page, found none. Remedy: leave x.html out",
        ),
        (
            ["user=all", "out=x.parquet", "diversity=0.5"],
            "diversity: expected one user, found all. Remedy: leave diversity out",
        ),
        (["user=u1", "diversity=2"], "diversity: Input should be less than or equal to 1, found 2"),
        (["user=u1", "format=xml"], "format: Input should be 'table' or 'json', found 'xml'"),
        (["user=u1", "k=0"], "k: Input should be greater than 0, found 0"),
        (
            ["user=u1", "k=few"],
            "k: Input should be a valid integer, unable to parse string as an integer, found 'few'",
        ),
        (["user=u1", "as_of=2024"], "as_of: expected a time in ISO 8601, as 2024-05-01T12:00:00, found 2024"),
        (
            ["user=all"],
            "out: expected a file for user=all, found none. Remedy: make infer USER=all OUT=FILE.parquet",
        ),
        (
            ["user=all", "out=x.parquet", "html=x.html"],
            "html: expected one user for a page, found all. Remedy: leave x.html out",
        ),
        (
            ["user=u1", "out=x.parquet"],
            "out: expected user=all for a Parquet file, found user=u1. Remedy: make infer USER=all "
            "OUT=FILE.parquet; one user's are printed, FORMAT=json for programs",
        ),
    ],
)
def test_wrong_requests(overrides, message):
    with pytest.raises(ConfigError) as error:
        read(*overrides)
    assert str(error.value) == message


def test_somebody_new_and_wishes():
    wishes = ("filters={year: {min: 1900}}", "caps={artist: 2}")
    request = read("profile={age: 31, text: the sea}", "likes=[007, a b]", *wishes)
    assert request.user is None
    assert request.ask.profile == {"age": 31, "text": "the sea"}
    assert request.ask.likes == ["007", "a b"]
    assert (request.filters, request.caps) == ({"year": {"min": 1900}}, {"artist": 2})


def test_engine():
    assert read_engine(compose_config("infer", "user=u1", "engine.threads=3")).threads == 3
